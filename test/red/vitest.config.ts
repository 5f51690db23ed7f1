import { defineConfig } from 'vitest/config';
import product from '../../vitest.config.ts';

/** The product's own configuration and global set-up over a suite of which one test fails. */
export default defineConfig({ ...product, test: { ...product.test, include: ['test/red/*.red.ts'] } });
