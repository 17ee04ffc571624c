import { defineConfig } from 'vitest/config'
import { SpreadSequencer } from '#scripts/test/spread-sequencer.ts'
import { VitestReporter } from '#scripts/test/vitest-reporter.ts'

/** Folders that hold no tests of ours: dependencies, build output, a running installation's home, and Playwright's specs. */
const exclude = ['**/node_modules/**', '**/.next/**', '**/.toolberth/**', 'dist/**', 'e2e/**']

export default defineConfig({
  test: {
    globals: false,
    pool: 'forks',
    // The smallest machine this must fit has 2 cores; a third worker only makes each suite slower there.
    maxWorkers: 2,
    teardownTimeout: 20_000,
    sequence: { sequencer: SpreadSequencer },
    testTimeout: 20_000,
    hookTimeout: 30_000,
    expect: { requireAssertions: true, poll: { timeout: 15_000 } },
    // Prisma's schema engine is WebAssembly that Node imports as a module, and says each time that this is new.
    execArgv: ['--disable-warning=ExperimentalWarning'],
    reporters: process.env.VITEST_REPORT
      ? ['minimal', new VitestReporter(process.env.VITEST_REPORT)]
      : ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...exclude, '**/*.int.test.ts'],
          // They keep nothing in their modules, and loading those anew for each file takes longer than the tests.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['**/*.int.test.ts'],
          exclude,
          globalSetup: ['./testing/global-setup.ts'],
          // Real servers on a shared 2-core machine: bounded, yet far above what a healthy run needs.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
