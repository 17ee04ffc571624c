'use client'

import { useRef } from 'react'
import type { UseFormReturn } from 'react-hook-form'
import type { DeployValues } from '#app/components/servers/deploy-values.ts'
import { suggestName } from '#app/components/servers/env-text.ts'
import { Field } from '#app/components/ui/field.tsx'
import { Input } from '#app/components/ui/input.tsx'

interface SourceFieldsProps {
  form: UseFormReturn<DeployValues>
  /** Of a server that is there: its name stays. */
  editing?: boolean
}

const plainText = { autoComplete: 'off', autoCapitalize: 'none', spellCheck: false } as const

function NpmFields({ form, named }: { form: UseFormReturn<DeployValues>; named: Named }) {
  const { register, formState } = form
  const { errors } = formState
  return (
    <>
      <div className="grid gap-4 sm:grid-cols-[minmax(0,1fr)_9rem]">
        <Field label="npm package" error={errors.package?.message}>
          {(box) => (
            <Input
              {...box}
              {...register('package', named)}
              {...plainText}
              placeholder="@modelcontextprotocol/server-everything"
              className="font-mono text-sm"
            />
          )}
        </Field>
        <Field label="Version" optional error={errors.version?.message}>
          {(box) => (
            <Input
              {...box}
              {...register('version')}
              {...plainText}
              placeholder="latest"
              className="font-mono text-sm"
            />
          )}
        </Field>
      </div>
      <Field
        label="Executable"
        optional
        hint="Needed when the package has more than one."
        error={errors.bin?.message}
      >
        {(box) => (
          <Input {...box} {...register('bin')} {...plainText} className="font-mono text-sm sm:max-w-xs" />
        )}
      </Field>
    </>
  )
}

const originOf = (values: DeployValues): string =>
  ({ npm: values.package, image: values.image, remote: values.url, catalog: '', config: '' })[
    values.sourceType
  ]

type Named = { onChange: (event: { target: { value: unknown } }) => void }

/** Where the server comes from: the boxes of the source that was chosen. */
export function SourceFields({ form, editing = false }: SourceFieldsProps) {
  const { register, formState, setValue, getValues, watch } = form
  const { errors } = formState
  const type = watch('sourceType')
  const suggested = useRef(suggestName(originOf(getValues())))
  const named: Named = {
    onChange: (event) => {
      const [last, next] = [suggested.current, suggestName(String(event.target.value))]
      suggested.current = next
      // A name that was typed by hand is left alone.
      const name = getValues('name')
      if (!editing && (name === '' || name === last)) setValue('name', next)
    },
  }
  switch (type) {
    case 'npm':
      return <NpmFields form={form} named={named} />
    case 'image':
      return (
        <Field
          label="Image"
          hint="With its tag or digest. The digest that was pulled is what stays deployed. Needs a toolbox with Docker."
          error={errors.image?.message}
        >
          {(box) => (
            <Input
              {...box}
              {...register('image', named)}
              {...plainText}
              placeholder="ghcr.io/owner/name:1.2.3"
              className="font-mono text-sm"
            />
          )}
        </Field>
      )
    case 'remote':
      return (
        <Field
          label="URL"
          hint="Its MCP endpoint over Streamable HTTP. It is called from the toolbox, never from here."
          error={errors.url?.message}
        >
          {(box) => (
            <Input
              {...box}
              {...register('url', named)}
              {...plainText}
              type="url"
              placeholder="https://mcp.example.com/mcp"
              className="font-mono text-sm"
            />
          )}
        </Field>
      )
    case 'catalog':
    case 'config':
      return null
  }
}
