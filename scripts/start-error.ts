/** Something the person at the terminal can mend. The message is one line: what is wrong, and what to do about it. */
export class StartError extends Error {
  override name = 'StartError'
}
