import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDemoFolder } from '../../../gateway/demo/demo-folder.ts';

let root: string;
let wanted: string;
let policies: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'holdpoint-demo-'));
  wanted = join(root, 'demo-data');
  policies = join(root, 'policies');
  mkdirSync(join(policies, 'rules'), { recursive: true });
  writeFileSync(join(policies, 'rules', 'payments.rego'), 'package rules.payments\n');
  writeFileSync(join(policies, 'compile.ts'), 'export {};\n');
});
afterEach(() => rmSync(root, { recursive: true }));

describe('the demo folder', () => {
  it('the demo copies the policies under the same names, without the programs next to them', () => {
    const { path } = createDemoFolder(wanted, policies);
    expect(readFileSync(join(path, 'policies', 'rules', 'payments.rego'), 'utf8')).toBe('package rules.payments\n');
    expect(existsSync(join(path, 'policies', 'compile.ts'))).toBe(false);
  });

  it('the demo replaces the folder of an earlier demo that has ended', () => {
    const first = createDemoFolder(wanted, policies);
    writeFileSync(join(first.path, 'holdpoint.yaml'), 'data: ./data\n');
    first.release();
    const second = createDemoFolder(wanted, policies);
    expect(second.path).toBe(wanted);
    expect(existsSync(join(wanted, 'holdpoint.yaml'))).toBe(false);
  });

  it('the demo leaves the folder of a running demo alone and uses another', () => {
    const first = createDemoFolder(wanted, policies);
    expect(createDemoFolder(wanted, policies).path).toBe(`${wanted}-2`);
    expect(existsSync(join(first.path, 'policies'))).toBe(true);
  });

  it("the demo never removes a folder that is not a demo's", () => {
    mkdirSync(wanted);
    writeFileSync(join(wanted, 'thesis.txt'), 'mine');
    expect(createDemoFolder(wanted, policies).path).toBe(`${wanted}-2`);
    expect(readFileSync(join(wanted, 'thesis.txt'), 'utf8')).toBe('mine');
  });
});
