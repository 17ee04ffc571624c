const SECRET_NAME =
  /(?:^|[_-])(?:(?:api|access|private|secret|service|signing|auth)?[_-]?key|token|secret|passw(?:or)?d|passphrase|pwd|credentials?|authorization|cookie|pat|dsn)s?(?:$|[_-])|connection[_-]?string|(?:database|db|mongo(?:db)?|postgres|redis|mysql)_ur[il]$|apikey/i

/** Forms that services give to their keys, so that one is found under any name. */
const SECRET_FORM =
  /^(?:(?:Bearer|Basic|Token)\s+\S{8,}|sk-[\w-]{8,}|sk_(?:live|test)_\w+|gh[pousr]_\w{20,}|github_pat_\w+|glpat-[\w-]+|xox[abposr]-[\w-]+|xapp-[\w-]+|AKIA[A-Z0-9]{12,}|AIza[\w-]{20,}|npm_\w{20,}|ntn_\w{20,}|pat[A-Za-z0-9]{10,}\.\w+|hf_\w{20,}|eyJ[\w-]+\.[\w-]+\.[\w-]*|-----BEGIN )/

/** Whether a value is one that nobody else may read: by its name, by its form, or because it is a URL with a password. */
export function isSecret(name: string, value = ''): boolean {
  if (SECRET_NAME.test(name) && !/^(?:true|false|\d{1,6})$/i.test(value)) return true
  return looksSecret(value)
}

/** Whether a value gives itself away as a secret, whatever its name is. */
export function looksSecret(value: string): boolean {
  if (SECRET_FORM.test(value)) return true
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/\s:@]+:[^/\s@]+@/i.test(value)) return true
  return isRandom(value)
}

/** 32 characters and more of letters and digits mixed, as machines make them; no path, URL or sentence. */
function isRandom(value: string): boolean {
  if (!/^[A-Za-z0-9_-]{32,}$/.test(value) || !/\d/.test(value) || !/[A-Za-z]/.test(value)) return false
  const bare = value.replace(/[_-]/g, '')
  const changes = bare
    .split('')
    .filter((char, at) => at > 0 && kindOf(char) !== kindOf(bare.charAt(at - 1))).length
  return changes >= bare.length / 4
}

function kindOf(char: string): number {
  return /\d/.test(char) ? 0 : /[a-z]/.test(char) ? 1 : 2
}

/** Whether a value only stands where somebody shall put theirs: `YOUR_API_KEY`, `<token>`, `xxx`. */
export function isPlaceholder(value: string): boolean {
  return (
    value === '' ||
    /^<[^>]*>$|^\[[^\]]*\]$|^\.\.\.$|^…$|^[x*]{3,}$/i.test(value) ||
    /(?:^|[^a-z])(?:your|insert|enter|replace|change[_-]?me|todo|example|placeholder)(?:[^a-z]|$)/i.test(
      value,
    ) ||
    /^(?:sk-|ghp_|pat|ntn_|tvly-|fc-|xox[bp]-)?(?:x{3,}|\*{3,}|\.{3,}|…)$/i.test(value)
  )
}
