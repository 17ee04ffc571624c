import { StartError } from '#scripts/start-error.ts'
import { env, readMasterKeys } from '#server/env.ts'
import { holds, masterKey } from '#server/secrets/keyring.ts'
import { countSealed, resealAll } from '#server/secrets/reseal.ts'
import { addKey, dropEarlierKeys } from './key-file.ts'

export type RotateOptions = { dryRun: boolean; finish: boolean }

/**
 * Makes a new master key, unless the file has several and a rotation goes on, and seals everything under it; with `finish`, then
 * forgets the earlier ones. Throws StartError in words when there is something to do first.
 */
export async function rotateKey(
  { dryRun, finish }: RotateOptions,
  say: (line: string) => void,
): Promise<void> {
  const file = env.MASTER_KEY_FILE
  const goesOn = readMasterKeys(file).length > 1
  const before = await countSealed()
  const lost = before.filter(({ keyId }) => !holds(masterKey(), keyId))
  if (dryRun) {
    const { id, earlier } = masterKey()
    if (lost.length > 0) say(`The file does not hold every key that is needed: ${file}`)
    else if (goesOn) say(`A rotation goes on, to the key ${id}.`)
    else say(`Everything is sealed under the key ${id}.`)
    for (const { table, keyId, count } of before)
      say(`${table}: ${count} under ${keyId}${nameOf(keyId, id, earlier)}`)
    return
  }
  // Of a wrong file, or of one that lost a line: what it cannot open would be sealed under a key that is then forgotten.
  if (lost.length > 0) {
    const what = lost.map(({ table, keyId, count }) => `${count} of ${table} under ${keyId}`).join(', ')
    throw new StartError(
      `${file} does not hold the key of ${what}. Nothing was changed. Put that key into the file, a line of its own after the others, and try again.`,
    )
  }
  if (finish && !goesOn) throw new StartError(`${file} holds one key: there is nothing to finish.`)
  if (!goesOn) addKey(file)
  const { id, earlier } = masterKey()
  say(goesOn ? `Going on with the rotation to the key ${id}.` : `Made the key ${id}, first in ${file}.`)
  await resealAll((table, count) => say(`${table}: ${count} sealed anew`))
  if (!finish) {
    say(
      'Everything is sealed under the new key. Earlier ones stay in the file for what is being written now.',
    )
    say('Restart what does not see the file change (containers), then: npm run rotate-key -- --finish')
    return
  }
  const left = (await countSealed()).filter(({ keyId }) => earlier.some((one) => one.id === keyId))
  if (left.length > 0) {
    const where = left.map(({ table, count }) => `${count} of ${table}`).join(', ')
    throw new StartError(`Still sealed under an earlier key: ${where}. Try again in ten minutes.`)
  }
  dropEarlierKeys(file)
  say(`${file} holds the new key alone. Back it up, apart from the database.`)
}

function nameOf(keyId: string, present: string, earlier: readonly { id: string }[]): string {
  if (keyId === present) return ''
  return earlier.some(({ id }) => id === keyId) ? ', an earlier key' : ', a key that is not in the file'
}
