/** Queries as analysts' agents write them. */
export const QUERIES: readonly string[] = [
  'select id, name, city from customers where id = 7',
  `select city, count(*) as n from customers where plan = 'team' group by city order by n desc limit 10`,
  'select c.name, sum(o.amount_cents) as total from customers c join orders o on o.customer_id = c.id group by c.id, c.name order by total desc limit 10',
  `with big as (select * from orders where amount_cents > 40000 and status in ('paid', 'shipped'))
   select c.city, count(*) as n, avg(b.amount_cents) as mean from big b join customers c on c.id = b.customer_id
   where c.created_at > now() - interval '1 year' group by c.city having count(*) > 2 order by n desc`,
  'select id, row_number() over (partition by status order by created_at desc) as nth from orders',
];
