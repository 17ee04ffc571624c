import { expect, it } from 'vitest'
import { DEFAULT_SETTINGS } from '#contracts/connection-settings.ts'
import { SettingsForm, toSettingsInput, toSettingsValues } from './settings-values.ts'

const connection = { slug: 'web', prefixTools: true, settings: DEFAULT_SETTINGS }

it('goes into the form and comes back the same', () => {
  const { slug, prefixTools, settings } = connection
  const values = toSettingsValues(connection)
  expect(SettingsForm.safeParse(values).success).toBe(true)
  expect(toSettingsInput(values)).toEqual({ slug, prefixTools, ...settings })
  const limited = { ...connection, settings: { ...settings, callsPerMinute: 30, maxConcurrent: 2 } }
  expect(toSettingsInput(toSettingsValues(limited))).toMatchObject({ callsPerMinute: 30, maxConcurrent: 2 })
})

it.each([
  ['slug', 'Not a slug'],
  ['timeoutSeconds', '0'],
  ['timeoutSeconds', '601'],
  ['timeoutSeconds', ''],
  ['retries', '4'],
  ['retries', '-1'],
  ['callsPerMinute', '0'],
  ['maxConcurrent', '1.5'],
])('%s refuses %j at its own box', (field, value) => {
  const { error } = SettingsForm.safeParse({ ...toSettingsValues(connection), [field]: value })
  expect(error?.issues.map(({ path }) => path[0])).toEqual([field])
})
