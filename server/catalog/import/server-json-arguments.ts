import { uniqueKey } from './arguments.ts'
import type { ArgumentInput } from './draft.ts'
import type { RegistryArgument } from './server-json-schema.ts'

/**
 * Arguments of a registry package: those with a value of their own stay, others are asked for. What follows one that is asked for
 * is asked for as well, with its value as default, since the order matters.
 */
export function readArguments(all: readonly RegistryArgument[]): { fixed: string[]; asked: ArgumentInput[] } {
  const fixed: string[] = []
  const asked: ArgumentInput[] = []
  for (const one of all) {
    const flag = one.type === 'named' ? one.name : undefined
    const template =
      one.value !== undefined && Object.keys(one.variables).length > 0 && /\{[^{}]+\}/.test(one.value)
    if (one.value !== undefined && !template) {
      if (asked.length === 0) fixed.push(...(flag === undefined ? [] : [flag]), one.value)
      else
        asked.push({
          key: uniqueKey(flag ?? one.valueHint ?? one.value, asked),
          ...(flag && { flag }),
          required: true,
          default: one.value,
        })
    } else if (flag !== undefined && isSwitch(one)) {
      if (asked.length === 0) fixed.push(flag)
      else asked.push({ key: uniqueKey(flag, asked), required: true, default: flag })
    } else {
      const description = [one.description, template && `As a whole, such as ${one.value}.`]
        .filter(Boolean)
        .join(' ')
      asked.push({
        key: uniqueKey(one.valueHint ?? flag ?? 'value', asked),
        ...(flag !== undefined && { flag }),
        ...(description && { description: description.slice(0, 500) }),
        required: one.isRequired,
        repeated: one.isRepeated,
        ...(one.default !== undefined && !one.isSecret && { default: one.default }),
        ...(one.choices?.length && { choices: one.choices }),
      })
    }
  }
  return { fixed, asked }
}

/** A flag that stands alone: nothing says that a value belongs to it. */
function isSwitch(one: RegistryArgument): boolean {
  return (
    one.value === undefined &&
    one.default === undefined &&
    one.valueHint === undefined &&
    one.choices === undefined &&
    one.placeholder === undefined &&
    one.isRequired &&
    (one.format === undefined || one.format === 'boolean') &&
    !one.isSecret &&
    !one.isRepeated &&
    one.description === undefined
  )
}
