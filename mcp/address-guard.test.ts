import { describe, expect, it } from 'vitest'
import { mayCall, NO_ALLOWED_REMOTES, parseAllowedRemotes } from './address-guard.ts'

const refused = [
  '127.0.0.1',
  '127.8.9.1',
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '192.0.2.9',
  '198.19.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::1',
  '::',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:10.0.0.1',
  '::127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b::a9fe:a9fe',
  'fc00::1',
  'fd12::1',
  'fe80::1',
  'fe80::1%eth0',
  'ff02::1',
  '2001:db8::1',
  '2002:7f00:1::',
]
const open = ['1.1.1.1', '172.32.0.1', '100.128.0.1', '8.8.8.8', '2606:4700:4700::1111', '::ffff:1.1.1.1']
open.push('64:ff9b::808:808')

describe('an address of a remote server', () => {
  it.each(refused)('%s may not be called', (address) => {
    expect(mayCall('name.example', address, NO_ALLOWED_REMOTES)).toBe(false)
  })

  it.each(open)('%s may be called', (address) => {
    expect(mayCall('name.example', address, NO_ALLOWED_REMOTES)).toBe(true)
  })

  it('may be called when it or its block was allowed', () => {
    const allowed = parseAllowedRemotes('10.0.0.0/8, 127.0.0.1 fd00::/8')
    expect(
      ['10.9.9.9', '127.0.0.1', '::ffff:127.0.0.1', 'fd00::7'].map((at) => mayCall('x', at, allowed)),
    ).toEqual([true, true, true, true])
    expect(['127.0.0.2', '192.168.0.1', '::1'].map((at) => mayCall('x', at, allowed))).toEqual([
      false,
      false,
      false,
    ])
  })

  it('may be called by a name that was allowed, but never the metadata service', () => {
    const allowed = parseAllowedRemotes('intranet.example')
    expect(mayCall('Intranet.example', '10.0.0.1', allowed)).toBe(true)
    expect(mayCall('intranet.example.', '127.0.0.1', allowed)).toBe(true)
    expect(mayCall('other.example', '10.0.0.1', allowed)).toBe(false)
    expect(mayCall('intranet.example', '169.254.169.254', allowed)).toBe(false)
    expect(mayCall('intranet.example', 'fe80::1', allowed)).toBe(false)
  })

  it.each(['10.0.0.0/33', '10.0.0', '1.2.3.4/a', 'http://x', 'fd00::/129', '-x'])(
    'is not allowed by the nonsense %s, which is named',
    (entry) => {
      expect(() => parseAllowedRemotes(`ok.example ${entry}`)).toThrow(`"${entry}"`)
    },
  )
})
