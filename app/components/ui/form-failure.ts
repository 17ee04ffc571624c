import type { FieldValues, Path, UseFormReturn } from 'react-hook-form'
import { readFailure } from '#app/trpc/failure.ts'

/** Puts what the server says of single fields at their boxes; codes that concern one box are given in `codes`. */
export function showFieldErrors<T extends FieldValues>(
  form: UseFormReturn<T>,
  error: unknown,
  codes: Partial<Record<string, Path<T>>> = {},
): void {
  const failure = readFailure(error)
  const known = new Set(Object.keys(form.getValues()))
  for (const [path, [message]] of Object.entries(failure.fields))
    if (message && known.has(path)) form.setError(path as Path<T>, { message })
  const field = codes[failure.code]
  if (field) form.setError(field, { message: failure.text }, { shouldFocus: true })
}
