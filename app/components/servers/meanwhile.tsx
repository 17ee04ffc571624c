import { ChangeList } from '#app/components/servers/change-list.tsx'
import type { Change } from '#app/components/servers/changes.ts'
import { RelativeTime } from '#app/components/ui/relative-time.tsx'
import type { ServerDetail } from '#contracts/servers.ts'

interface MeanwhileProps {
  /** As it is now. */
  server: ServerDetail
  /** What was saved since the form was opened. */
  theirs: Change[]
  /** What the form would change now. */
  mine: Change[]
}

/** What somebody else saved while one was editing; what was typed stands, on top of it. */
export function Meanwhile({ server, theirs, mine }: MeanwhileProps) {
  const clashes = theirs.filter(({ label }) => mine.some((change) => change.label === label))
  const by = server.deployments.find(
    (deployment) => deployment.revisionNumber === server.revision?.number,
  )?.requestedBy
  return (
    <section
      aria-label="Saved meanwhile"
      role="status"
      className="grid gap-3 rounded-lg border border-warn/40 bg-warn-soft px-4 py-3.5 text-sm"
    >
      <p>
        <span className="font-semibold text-warn">
          {by ?? 'Somebody'} saved revision {server.revision?.number} while you were editing
        </span>
        {server.revision ? (
          <>
            , <RelativeTime at={server.revision.createdAt} />
          </>
        ) : null}
        . Nothing that you typed is lost: it now stands on top of that revision.
      </p>
      <div className="rounded-lg bg-surface">
        <ChangeList changes={theirs} label="Changed meanwhile" />
      </div>
      {clashes.length > 0 ? (
        <p>
          You both changed {clashes.map(({ label }) => label).join(', ')}: yours replaces it when you deploy.
        </p>
      ) : null}
    </section>
  )
}
