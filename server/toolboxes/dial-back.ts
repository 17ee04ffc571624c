import { getStatus } from '#server/dtma/client.ts'
import { listToolboxesToVerify, recordDialBack } from './verify.ts'

/** The worker's half of an enrolment: dials every advertised URL that it has not reached yet. */
export async function dialBackToolboxes(): Promise<void> {
  const waiting = await listToolboxesToVerify('worker')
  await Promise.all(
    waiting.map(async (toolbox) => {
      try {
        await getStatus(toolbox)
        await recordDialBack({ toolbox, identity: 'worker', ok: true })
      } catch (error) {
        await recordDialBack({
          toolbox,
          identity: 'worker',
          ok: false,
          error: (error as Error).message,
        })
      }
    }),
  )
}
