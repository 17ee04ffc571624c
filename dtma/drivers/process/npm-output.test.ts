import { describe, expect, it } from 'vitest'
import { createPhaseReader, explainNpmFailure } from './npm-output.ts'

function explain(error: object | null, stderr = '', packageName = 'some-server') {
  const stdout = error === null ? '' : JSON.stringify({ error }, null, 2)
  return explainNpmFailure({ packageName, exitCode: 1, stdout, stderr })
}

describe('explainNpmFailure', () => {
  it('tells a missing package from a missing dependency', () => {
    const missing = (name: string) => ({
      code: 'E404',
      summary: `Not Found - GET https://registry.example/${name}`,
      detail: `The requested resource '${name}@*' could not be found or you do not have permission to access it.`,
    })
    expect(explain(missing('some-server')).code).toBe('PACKAGE_NOT_FOUND')
    expect(explain(missing('other')).code).toBe('PACKAGE_INSTALL_FAILED')
    expect(explain(missing('awesome-server')).code).toBe('PACKAGE_INSTALL_FAILED')
    expect(explain(missing('@a/b'), '', '@a/b').code).toBe('PACKAGE_NOT_FOUND')
  })

  it('tells a missing version from that of a dependency', () => {
    const target = (spec: string) => ({
      code: 'ETARGET',
      summary: `No matching version found for ${spec}.`,
      detail:
        "In most cases you or one of your dependencies are requesting a package version that doesn't exist.",
    })
    expect(explain(target('some-server@9.0.0')).code).toBe('PACKAGE_VERSION_NOT_FOUND')
    expect(explain(target('awesome-server@9.0.0')).code).toBe('PACKAGE_INSTALL_FAILED')
  })

  it('recognises a full disk', () => {
    expect(explain({ code: 'ENOSPC', summary: 'no space left on device', detail: '' }).code).toBe(
      'TOOLBOX_DISK_FULL',
    )
  })

  it("keeps npm's own words, also when there is no JSON", () => {
    expect(explain({ code: 'ECONNREFUSED', summary: 'request failed', detail: 'proxy?' })).toEqual({
      code: 'PACKAGE_INSTALL_FAILED',
      detail: 'ECONNREFUSED: request failed proxy?',
    })
    const stderr = 'npm error code EUSAGE\nnpm error bad flag\nnpm error A complete log of this run: /x'
    expect(explain(null, stderr)).toEqual({
      code: 'PACKAGE_INSTALL_FAILED',
      detail: 'EUSAGE: code EUSAGE bad flag',
    })
    expect(explain(null).detail).toBe('npm ended with code 1.')
  })
})

it('reads phases from the log', () => {
  const read = createPhaseReader()
  const phases = [
    'npm verbose cli',
    'npm silly idealTree buildDeps',
    'npm silly placeDep ROOT a@1.0.0 OK',
    'npm silly placeDep ROOT b@1.0.0 OK',
    'npm silly reify moves {}',
    'npm silly reify mark',
  ].map(read)
  expect(phases).toEqual([null, 'Resolving package', null, null, 'Installing packages (2)', null])
})
