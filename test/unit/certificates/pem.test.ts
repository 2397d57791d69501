import { describe, expect, it } from 'vitest';
import { pemBlocks } from '../../../lib/certificates/pem.ts';

const block = (type: string, inner: string) => `-----BEGIN ${type}-----\n${inner}-----END ${type}-----\n`;

describe('blocks of PEM', () => {
  it('are found between other text, in order', () => {
    const text = `one\n${block('A', 'YQ==\n')}two\r\n${block('B C', 'a: b\nc: d\n\nYg==\nYg==\n')}`;
    expect(pemBlocks(text)).toEqual([
      { type: 'A', headers: '', body: 'YQ==\n' },
      { type: 'B C', headers: 'a: b\nc: d\n', body: 'Yg==\nYg==\n' },
    ]);
  });

  it.each([
    ['that is not closed', '-----BEGIN A-----\nYQ==\n'],
    ['that is closed as another', '-----BEGIN A-----\nYQ==\n-----END B-----\n'],
    ['that has something else in it', '-----BEGIN A-----\n*\n-----END A-----\n'],
    ['without a line of its own', '-----BEGIN A-----YQ==-----END A-----'],
  ])('none %s', (_, text) => {
    expect(pemBlocks(text)).toEqual([]);
    expect(pemBlocks(text + block('C', 'YQ==\n'))).toEqual([{ type: 'C', headers: '', body: 'YQ==\n' }]);
  });

  it.each([
    ['openings', '-----BEGIN A-----\n'],
    ['openings in headers', 'x:-----BEGIN A-----\n'],
    ['ends in headers', '-----BEGIN -----\n-----END :'],
    ['dashes', '-----BEGIN --------'],
    ['headers', 'a:b\n'],
  ])('many %s take a time that grows with the text', (_, part) => {
    const text = part.repeat(1_000_000 / part.length);
    expect(pemBlocks(`-----BEGIN A-----\n${text}`)).toEqual([]);
  });
});
