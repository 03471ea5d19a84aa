import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Edge, edgePlaces, Frontier, lengthOf, nodesIn, placesOf, type Tile } from './tiles.ts';
import {
  consistencyRanges,
  EMPTY_ROOT,
  type Hash,
  inclusionRanges,
  leafHash,
  rangeHash,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from './tree.ts';

/** The leaves of the test vectors of Certificate Transparency, and the roots of their first 1, 2, … 8. */
const INPUTS = [
  ...['', '00', '10', '2021', '3031', '40414243'],
  ...['5051525354555657', '606162636465666768696a6b6c6d6e6f'],
].map((hex) => Buffer.from(hex, 'hex'));
const ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

/* The definitions of RFC 6962 §2.1, word for word, over the data of the leaves. */
const sha = (...parts: Uint8Array[]): Hash => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}
function mth(d: readonly Uint8Array[]): Hash {
  if (d.length === 0) return sha();
  if (d.length === 1) return sha(Buffer.of(0), d[0] as Uint8Array);
  const k = split(d.length);
  return sha(Buffer.of(1), mth(d.slice(0, k)), mth(d.slice(k)));
}
function path(m: number, d: readonly Uint8Array[]): Hash[] {
  if (d.length <= 1) return [];
  const k = split(d.length);
  return m < k
    ? [...path(m, d.slice(0, k)), mth(d.slice(k))]
    : [...path(m - k, d.slice(k)), mth(d.slice(0, k))];
}
function subproof(m: number, d: readonly Uint8Array[], whole: boolean): Hash[] {
  if (m === d.length) return whole ? [] : [mth(d)];
  const k = split(d.length);
  return m <= k
    ? [...subproof(m, d.slice(0, k), whole), mth(d.slice(k))]
    : [...subproof(m - k, d.slice(k), false), mth(d.slice(0, k))];
}

const data = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, index) => Buffer.from(`leaf ${index}`));

/** A tree kept as a store would keep it: tiles, grown in pieces, the edge read again between them. */
function grown(leaves: readonly Uint8Array[], pieces: readonly number[]): Tile[] {
  const kept = new Map<string, Tile>();
  let edge = new Edge();
  let from = 0;
  for (const piece of [...pieces, leaves.length]) {
    for (const leaf of leaves.slice(from, from + piece)) edge.append(leafHash(leaf));
    from += piece;
    for (const tile of edge.takeChanged()) kept.set(`${tile.level}/${tile.place}`, tile);
    const at = edgePlaces(edge.size).map(({ level, place }) => kept.get(`${level}/${place}`));
    edge = Edge.of(edge.size, at as Tile[]);
  }
  assert.ok(edge.root().equals(rootOf(leaves.map((leaf) => leafHash(leaf)))));
  return [...kept.values()];
}

describe('the tree of RFC 6962', () => {
  test('the published vectors', () => {
    assert.equal(
      EMPTY_ROOT.toString('hex'),
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
    const frontier = new Frontier();
    for (const [index, root] of ROOTS.entries()) {
      frontier.append(leafHash(INPUTS[index] as Buffer));
      assert.equal(frontier.root().toString('hex'), root);
      assert.equal(rootOf(INPUTS.slice(0, index + 1).map(leafHash)).toString('hex'), root);
    }
    const proof = inclusionRanges(0, 8).map((range) =>
      rootOf(INPUTS.slice(range.from, range.to).map(leafHash)).toString('hex'),
    );
    assert.deepEqual(proof, [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ]);
  });

  test('every proof of every small tree is the one that the definition makes, and verifies', () => {
    for (let size = 1; size <= 40; size++) {
      const leaves = data(size);
      const at = nodesIn(grown(leaves, [size >> 1]));
      const root = mth(leaves);
      for (let index = 0; index < size; index++) {
        const proof = inclusionRanges(index, size).map((range) => rangeHash(range, at));
        assert.deepEqual(proof, path(index, leaves));
        const leaf = leafHash(leaves[index] as Buffer);
        assert.ok(verifyInclusion({ leaf, index, size, root, proof }));
      }
      for (let first = 1; first <= size; first++) {
        const proof = consistencyRanges(first, size).map((range) => rangeHash(range, at));
        assert.deepEqual(proof, first === size ? [] : subproof(first, leaves, true));
        const firstRoot = mth(leaves.slice(0, first));
        const claim = { first, second: size, firstRoot, secondRoot: root, proof };
        assert.ok(verifyConsistency(claim), `${first} of ${size}`);
      }
    }
  });

  test('tiles of any tree, grown in any pieces, give its roots and proofs', () => {
    const tree = fc.record({
      size: fc.integer({ min: 1, max: 3_000 }),
      pieces: fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 6 }),
      index: fc.nat(),
      first: fc.nat(),
    });
    fc.assert(
      fc.property(tree, ({ size, pieces, index: somewhere, first: early }) => {
        const leaves = data(size);
        const tiles = grown(leaves, pieces);
        for (const { level, place, hashes } of tiles)
          assert.equal(hashes.length, 32 * lengthOf({ level, place }, size));
        const [index, first] = [somewhere % size, 1 + (early % size)];
        const used = (ranges: ReturnType<typeof inclusionRanges>): Hash[] => {
          const needed = placesOf(ranges).map((at) =>
            tiles.find(({ level, place }) => level === at.level && place === at.place),
          );
          const at = nodesIn(needed as Tile[]);
          return ranges.map((range) => rangeHash(range, at));
        };
        const [root = EMPTY_ROOT] = used([{ from: 0, to: size }]);
        assert.ok(root.equals(mth(leaves)));
        const leaf = leafHash(leaves[index] as Buffer);
        const proof = used(inclusionRanges(index, size));
        assert.ok(verifyInclusion({ leaf, index, size, root, proof }));
        assert.ok(
          verifyConsistency({
            ...{ first, second: size, firstRoot: mth(leaves.slice(0, first)), secondRoot: root },
            proof: used(consistencyRanges(first, size)),
          }),
        );
      }),
      { numRuns: 60 },
    );
  });

  test('a proof of something else does not verify', () => {
    const change = fc.record({
      size: fc.integer({ min: 2, max: 70 }),
      index: fc.nat(),
      what: fc.constantFrom('leaf', 'index', 'size', 'root', 'hash', 'longer', 'shorter'),
      flip: fc.integer({ min: 1, max: 255 }),
    });
    const bent = (hash: Hash | undefined, flip: number): Hash => {
      const other = Buffer.from(hash ?? EMPTY_ROOT);
      other[flip % 32] = (other[flip % 32] ?? 0) ^ flip;
      return other;
    };
    fc.assert(
      fc.property(change, ({ size, index: somewhere, what, flip }) => {
        const leaves = data(size);
        const index = somewhere % size;
        const root = mth(leaves);
        const proof = path(index, leaves);
        const leaf = leafHash(leaves[index] as Buffer);
        const wrong = {
          ...{ leaf: what === 'leaf' ? bent(leaf, flip) : leaf, size },
          index: what === 'index' ? (index + 1) % size : index,
          root: what === 'root' ? bent(root, flip) : root,
          proof: [...proof],
        };
        const place = flip % proof.length;
        if (what === 'hash') wrong.proof[place] = bent(proof[place], flip);
        if (what === 'longer') wrong.proof.push(root);
        if (what === 'shorter') wrong.proof.pop();
        if (what === 'size') wrong.size = size * 2 + 1;
        assert.equal(verifyInclusion(wrong), false);

        const first = 1 + (somewhere % (size - 1));
        const claim = {
          ...{ first, second: size, firstRoot: mth(leaves.slice(0, first)), secondRoot: root },
          proof: subproof(first, leaves, true),
        };
        const at = flip % claim.proof.length;
        if (what === 'leaf') claim.firstRoot = bent(claim.firstRoot, flip);
        if (what === 'root') claim.secondRoot = bent(root, flip);
        if (what === 'hash') claim.proof[at] = bent(claim.proof[at], flip);
        if (what === 'longer') claim.proof.push(root);
        if (what === 'shorter') claim.proof.pop();
        if (what === 'index') claim.firstRoot = mth([...leaves.slice(1, first), Buffer.of(1)]);
        if (what === 'size') claim.second = size * 2 + 1;
        assert.equal(verifyConsistency(claim), false);
      }),
      { numRuns: 400 },
    );
  });

  test('numbers that no tree has are refused', () => {
    assert.throws(() => inclusionRanges(1, 1), RangeError);
    assert.throws(() => inclusionRanges(-1, 4), RangeError);
    assert.throws(() => consistencyRanges(5, 4), RangeError);
    assert.throws(() => consistencyRanges(1.5, 4), RangeError);
    assert.throws(() => Edge.of(3, []), { code: 'LEDGER_BROKEN' });
    const [leaf, root] = [leafHash(''), leafHash('')];
    assert.equal(verifyInclusion({ leaf, root, index: 0, size: 0, proof: [] }), false);
    assert.equal(verifyInclusion({ leaf, root, index: Number.NaN, size: 1, proof: [] }), false);
    assert.ok(verifyInclusion({ leaf, root, index: 0, size: 1, proof: [] }));
    const nothing = { firstRoot: EMPTY_ROOT, secondRoot: root, proof: [] };
    assert.ok(verifyConsistency({ first: 0, second: 1, ...nothing }));
    assert.equal(verifyConsistency({ first: 2, second: 1, ...nothing }), false);
  });
});
