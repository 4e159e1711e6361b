import { describe, expect, it } from 'vitest';
import { faultOf, RefusedReader } from './import-file';

const header = '{"Section":"Header"}\n{"fileVersion":"1.0.0","author":"a"}\n';

describe('a file to import', () => {
  it('is judged by how it begins', () => {
    expect(faultOf(`${header}{"Section":"Twins"}\n`)).toBeNull();
    expect(faultOf(`\uFEFF\n${header.replace('\n', '\r\n')}`)).toBeNull();
    expect(faultOf(' \n')).toContain('empty');
    expect(faultOf('{"$dtId":"a"}\n')).toContain('Line 1 must be');
    expect(faultOf('\n\nid,name\n')).toContain('Line 3 must be');
    expect(faultOf('[{"Section":"Header"}]')).toContain('Line 1');
    expect(faultOf('{"Section":"Header"}\n')).toContain('must name its version');
    expect(faultOf('{"Section":"Header"}\n{"fileVersion":"2.0"}')).toContain('Line 2');
  });
});

const info = JSON.stringify({ logType: 'Info', details: { status: 'Started' } });
const refused = (line: number) =>
  JSON.stringify({
    logType: 'Error',
    details: {
      section: 'Twins',
      line,
      error: { code: 'ValidationFailed', message: `ValidationFailed: ä ${line}` },
    },
  });

describe('the log of an import', () => {
  it('tells which entries were not taken, however it is cut', () => {
    const log = `${info}\n${refused(4)}\nno json\n${refused(9)}\n${info}\n`;
    for (const size of [1, 7, 1_000]) {
      const reader = new RefusedReader(10);
      for (let at = 0; at < log.length; at += size) expect(reader.read(log.slice(at, at + size))).toBe(true);
      expect(reader.found).toEqual([
        { section: 'Twins', line: 4, code: 'ValidationFailed', message: 'ä 4' },
        { section: 'Twins', line: 9, code: 'ValidationFailed', message: 'ä 9' },
      ]);
    }
  });

  it('is read no further than is shown', () => {
    const reader = new RefusedReader(2);
    expect(reader.read(`${refused(1)}\n${refused(2)}\n`)).toBe(true);
    expect(reader.read(`${refused(3)}\n${refused(4)}\n`)).toBe(false);
    expect(reader.found.map((one) => one.line)).toEqual([1, 2]);
  });
});
