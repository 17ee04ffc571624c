/**
 * JSON as editors take it: with comments and commas after the last item. Also the inside of an object, as people copy it
 * (`"name": { … }`). Throws SyntaxError.
 */
export function parseJsonc(text: string): unknown {
  const bare = withoutTrailingCommas(withoutComments(text.replace(/^\uFEFF/, ''))).trim()
  try {
    return JSON.parse(bare)
  } catch (error) {
    if (/^"[^"]*"\s*:/.test(bare)) return JSON.parse(`{${bare.replace(/,$/, '')}}`)
    throw error
  }
}

/** Pieces of a text by turns: outside of strings, and strings with their quotes. */
function* pieces(text: string): Generator<{ string: boolean; text: string }> {
  let from = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '/' && (text[at + 1] === '/' || text[at + 1] === '*')) {
      yield { string: false, text: text.slice(from, at) }
      const line = text[at + 1] === '/'
      const end = text.indexOf(line ? '\n' : '*/', at + 2)
      at = end === -1 ? text.length : line ? end - 1 : end + 1
      from = at + 1
    } else if (text[at] === '"') {
      yield { string: false, text: text.slice(from, at) }
      from = at
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++
      yield { string: true, text: text.slice(from, at + 1) }
      from = at + 1
    }
  }
  yield { string: false, text: text.slice(from) }
}

function withoutComments(text: string): string {
  return [...pieces(text)].map((piece) => piece.text).join('')
}

function withoutTrailingCommas(text: string): string {
  return [...pieces(text)]
    .map((piece) => (piece.string ? piece.text : piece.text.replace(/,(?=\s*[}\]])/g, '')))
    .join('')
}
