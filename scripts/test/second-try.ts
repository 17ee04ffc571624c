import { OUTSIDE, type Outcome, type Report } from './report.ts'

/** So many failures may be a machine that was slow for a while; more are a defect, and trying again would only take time. */
const MOST = 6

/**
 * What to run once more after a first try: the targets of what failed and of what that kept from running, none of them for
 * everything when nothing could start, or null when a second try is of no use.
 */
export function worthAnotherTry({ outcomes, errors }: Report): string[] | null {
  const ran = outcomes.some(({ state }) => state === 'passed' || state === 'failed')
  if (errors.length > 0) return ran ? null : []
  const failed = new Set(outcomes.filter(isFailed).map(({ target }) => target))
  if (failed.size === 0 || failed.size > MOST) return null
  return [...new Set(outcomes.filter(isOpen).map(({ target }) => target))]
}

/**
 * Both tries as one report: what ran twice counts by its second result, and what failed first and did not run again still
 * failed. `recovered` are the failures of the first try that did not come again.
 */
export function joinTries(first: Report, second: Report): { report: Report; recovered: Outcome[] } {
  const again = new Set(first.outcomes.filter(isOpen).map(({ target }) => target))
  const kept = first.errors.length > 0 ? [] : first.outcomes.filter(({ target }) => !again.has(target))
  const lost =
    first.errors.length > 0 ? [] : first.outcomes.filter(isOpen).filter((one) => !ranIn(second, one))
  const isLost = (one: Outcome) => lost.some(({ target, name }) => target === one.target && name === one.name)
  return {
    report: {
      outcomes: [...kept, ...second.outcomes.filter((one) => !isLost(one)), ...lost],
      errors: second.errors,
      seconds: first.seconds,
    },
    recovered: first.outcomes
      .filter(isFailed)
      .filter((one) => ranIn(second, one) && !resultsIn(second, one).some(isFailed)),
  }
}

/** What a second try says of a test; of what failed outside of the tests of a file, all that it says of the file. */
const resultsIn = ({ outcomes }: Report, { target, name }: Outcome): Outcome[] =>
  outcomes.filter((one) => one.target === target && (name === OUTSIDE || one.name === name))

const ranIn = (report: Report, outcome: Outcome): boolean =>
  resultsIn(report, outcome).some(({ state }) => state === 'passed' || state === 'failed')

const isFailed = ({ state }: Outcome): boolean => state === 'failed'
const isOpen = ({ state }: Outcome): boolean => state === 'failed' || state === 'missed'
