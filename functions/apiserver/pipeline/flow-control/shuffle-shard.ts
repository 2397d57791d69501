/** Which few of many queues a flow may use (KEP-1040, "Shuffle sharding"): two flows seldom share all of theirs. */
import { createHash } from 'node:crypto';

/** 64 bits that stand for a flow: its schema, and what tells it from the others of that schema. */
export function hashFlow(schemaName: string, distinguisher: string): bigint {
  return createHash('sha256')
    .update(schemaName)
    .update(',')
    .update(distinguisher)
    .digest()
    .readBigUInt64LE(0);
}

/** `handSize` different numbers below `deckSize`, the same ones for the same hash; as good as random over hashes. */
export function dealHand(hash: bigint, deckSize: number, handSize: number): number[] {
  const hand: number[] = [];
  /** The same, in ascending order. */
  const dealt: number[] = [];
  let rest = hash;
  for (let index = 0; index < handSize; index++) {
    const left = BigInt(deckSize - index);
    let card = Number(rest % left);
    rest /= left;
    // The card's number among those that are left: each smaller one that is gone moves it up.
    let at = 0;
    while (at < dealt.length && (dealt[at] as number) <= card) {
      card++;
      at++;
    }
    dealt.splice(at, 0, card);
    hand.push(card);
  }
  return hand;
}
