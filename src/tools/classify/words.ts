/**
 * Words by which people name operations and arguments. None of them is a promise: a word that sounds harmless is only
 * ground for a proposal, one that sounds harmful raises.
 */
const set = (words: string): ReadonlySet<string> => new Set(words.split(' '));

/** The first word of a name that says it looks and changes nothing. */
export const READING = set(
  'get list read search find show view describe count lookup inspect summarize summarise ' +
    'check compare diff preview stat tail head tree whoami echo explain validate verify ' +
    'retrieve',
);

/** It adds something and leaves what is there. */
export const ADDING = set('create add append insert new post comment reply draft copy duplicate');

/** It changes what is there, in place. */
export const CHANGING = set(
  'update edit modify patch set label tag mark reschedule assign unassign',
);

/** It takes something away, or puts something else in its place. */
export const REMOVING = set(
  'delete remove destroy drop erase wipe purge truncate clear clean cleanup reset revoke ' +
    'unlink kill terminate stop uninstall archive trash discard overwrite replace write ' +
    'cancel disable restore rollback revert prune expire rotate unset empty flush ban block ' +
    'close merge force',
);

/** It reaches people, or somebody else's system: what is out cannot be called back. */
export const SENDING = set(
  'send email mail message notify publish tweet share invite forward upload submit ' +
    'broadcast announce dial call sms push deploy release export sync book reserve order',
);

/** It moves money or what is worth money. */
export const PAYING = set(
  'pay transfer wire buy purchase refund charge payout withdraw deposit invest trade sell ' +
    'donate subscribe checkout bill invoice',
);

/** It runs what the agent wrote. */
export const RUNNING = set(
  'exec execute eval evaluate run shell bash sh powershell cmd spawn script repl python ' +
    'javascript ssh sudo invoke compile',
);

/** It changes who may do what. */
export const EMPOWERING = set(
  'grant permission permissions role roles acl policy policies sudoers owner ownership ' +
    'admin password passwd credential credentials secret secrets token tokens apikey mfa iam ' +
    'key keys chmod chown env environ environment vault',
);

/** In a description: what the tool does besides what its name says. */
export const TELLS_DESTROY = new RegExp(
  [
    'delet(?:es?|ing)|removes?|removing|eras(?:es?|ing)|overwrit(?:es?|ing)|wip(?:es?|ing)|purg(?:es?|ing)',
    "truncates?|destroys?|permanently|irreversibl[ey]|cannot be undone|can't be undone",
    'drops? (?:the |a )?(?:table|database|collection)',
  ]
    .map((words) => `\\b(?:${words})\\b`)
    .join('|'),
  'i',
);
const DOES = [
  'creates?|updates?|writes?|sends?|posts?|inserts?|modif(?:y|ies)|changes?|uploads?|publish(?:es)?|saves?|stores?',
  'executes?|runs?|transfers?|emails?|deploys?|renames?|moves?',
].join('|');
export const TELLS_WRITE = new RegExp(
  `(?:^|[.;:]\\s+|\\band\\s+|\\bthen\\s+|\\bor\\s+)(?:also\\s+)?(?:${DOES})\\b`,
  'i',
);
export const TELLS_RUN =
  /\b(?:arbitrary|any)\s+(?:\w+\s+){0,2}(?:sql|code|commands?|scripts?|shell|quer(?:y|ies)|statements?|programs?|expressions?)\b/i;

/** What one argument of this name decides, most telling first. */
export const ARGUMENTS: readonly (readonly [kind: ArgumentKind, words: ReadonlySet<string>])[] = [
  [
    'code',
    set(
      'sql command cmd script code shell program expression eval statement argv entrypoint ' +
        'stdin payload template',
    ),
  ],
  [
    'secret',
    set(
      'password passwd passphrase secret token apikey credential credentials pin otp ' +
        'authorization',
    ),
  ],
  [
    'amount',
    set('amount price quantity qty total sum budget limitamount fee cost salary balance discount'),
  ],
  [
    'destination',
    set(
      'to cc bcc recipient recipients email emails mail address addresses channel channels ' +
        'participant participants attendee attendees invitee invitees phone iban bic swift ' +
        'beneficiary payee url uri urls uris href link links webhook endpoint host hostname ' +
        'domain server callback destination dest target targets bucket queue topic remote origin ' +
        'team',
    ),
  ],
  [
    'target',
    set(
      'id ids uuid guid path paths file files filename filepath directory dir folder folders ' +
        'source src repo repository owner branch ref sha user users username userid member ' +
        'members group groups account accounts table tables database collection index issue ' +
        'ticket project workspace key keys resource namespace cluster pod volume snapshot hotel ' +
        'restaurant company entity entities entitynames relations observations deletions names ' +
        'name',
    ),
  ],
];

export type ArgumentKind = 'code' | 'secret' | 'amount' | 'destination' | 'target';

/** Words of a message: they say much and decide nothing about where it goes. */
export const CONTENT = set(
  'body content contents text message subject title description note notes comment summary ' +
    'caption reason query question prompt thought topic keywords pattern format language ' +
    'locale limit offset page cursor sort order count head tail depth',
);
