import { join } from 'node:path'
import { z } from 'zod'
import { EnrollResponse } from '#contracts/dtma.ts'
import { createIdentity, type Identity } from '#protocol/identity.ts'
import { readFileIfThere, writeFileAtomic } from './atomic-file.ts'
import type { Seal } from './seal.ts'

/** What the control plane answered at enrolment, and a hash of the one-time token that was used up for it. */
const Enrollment = EnrollResponse.extend({ tokenHash: z.string() })
export type Enrollment = z.infer<typeof Enrollment>

const StoredIdentity = z.object({ certificate: z.string(), sealedPrivateKey: z.string() })
const KEY_CONTEXT = 'identity'

/** The agent's key, made on first use and kept for ever: it is what the control plane pins. */
export async function loadIdentity(stateFolder: string, seal: Seal): Promise<Identity> {
  const path = join(stateFolder, 'identity.json')
  const text = await readFileIfThere(path)
  if (text !== null) {
    const stored = StoredIdentity.parse(JSON.parse(text))
    return {
      certificate: stored.certificate,
      privateKey: seal.open(stored.sealedPrivateKey, KEY_CONTEXT),
    }
  }
  const identity = await createIdentity('toolberth-dtma')
  const stored = {
    certificate: identity.certificate,
    sealedPrivateKey: seal.close(identity.privateKey, KEY_CONTEXT),
  }
  await writeFileAtomic(path, JSON.stringify(stored))
  return identity
}

export async function loadEnrollment(stateFolder: string): Promise<Enrollment | null> {
  const text = await readFileIfThere(join(stateFolder, 'enrollment.json'))
  return text === null ? null : Enrollment.parse(JSON.parse(text))
}

export async function saveEnrollment(stateFolder: string, enrollment: Enrollment): Promise<void> {
  await writeFileAtomic(join(stateFolder, 'enrollment.json'), JSON.stringify(enrollment))
}
