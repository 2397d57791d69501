import { expect, it } from 'vitest';
import { dealHand, hashFlow } from '../../../../functions/apiserver/pipeline/flow-control/shuffle-shard.ts';
import fc from '../../../support/property.ts';

it('deals different cards of the deck, the same ones for the same flow', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      fc.integer({ min: 1, max: 200 }),
      (hash, deck) => {
        fc.pre(deck >= 1);
        const size = Math.min(deck, 8);
        const hand = dealHand(hash, deck, size);
        expect(hand).toHaveLength(size);
        expect(new Set(hand).size).toBe(size);
        expect(hand.every((card) => card >= 0 && card < deck)).toBe(true);
        expect(dealHand(hash, deck, size)).toEqual(hand);
      },
    ),
  );
});

it('spreads flows evenly, and seldom gives two of them the same hand', () => {
  const counts = Array<number>(16).fill(0);
  const hands = new Set<string>();
  for (let flow = 0; flow < 4000; flow++) {
    const hand = dealHand(hashFlow('schema', `user-${flow}`), 16, 4);
    for (const card of hand) counts[card] = (counts[card] ?? 0) + 1;
    hands.add([...hand].sort((a, b) => a - b).join());
  }
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  // Of 1820 possible ones.
  expect(hands.size).toBeGreaterThan(1500);
});

it('tells a schema and a user from another split of the same letters', () => {
  expect(hashFlow('a', 'bc')).not.toBe(hashFlow('ab', 'c'));
});
