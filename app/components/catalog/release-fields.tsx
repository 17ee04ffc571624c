'use client'

import { useFieldArray } from 'react-hook-form'
import { AskedFields } from '#app/components/catalog/asked-fields.tsx'
import { askedKind } from '#app/components/catalog/entry-form.ts'
import { Choice, type Form, TextField } from '#app/components/catalog/release-boxes.tsx'
import { SOURCE_LABELS } from '#app/components/servers/changes.ts'
import { TRANSPORT_LABELS } from '#app/components/servers/source-text.ts'
import { UserCredentialRows } from '#app/components/servers/user-credential-rows.tsx'
import { EMPTY_USER_CREDENTIAL } from '#app/components/servers/user-credential-values.ts'
import { Card, CardHeader } from '#app/components/ui/card.tsx'
import { Field } from '#app/components/ui/field.tsx'
import { Textarea } from '#app/components/ui/input.tsx'

function SourceFields({ form }: { form: Form }) {
  const type = form.watch('sourceType')
  if (type === 'remote')
    return (
      <>
        <TextField form={form} name="url" label="URL" hint="Of its MCP endpoint, https:// as a rule." />
        <Choice
          form={form}
          name="transport"
          label="Transport"
          options={[
            { value: 'streamable-http', label: TRANSPORT_LABELS['streamable-http'] },
            { value: 'sse', label: TRANSPORT_LABELS.sse },
          ]}
        />
      </>
    )
  if (type === 'image')
    return <TextField form={form} name="image" label="Image" hint="Such as ghcr.io/owner/name:1.2.3." />
  return (
    <>
      <TextField form={form} name="package" label="npm package" />
      <TextField
        form={form}
        name="packageVersion"
        label="Version of the package"
        optional
        hint="Left out: the newest at the time."
      />
      <TextField form={form} name="bin" label="Executable" optional hint="Where the package has several." />
    </>
  )
}

function ProcessFields({ form }: { form: Form }) {
  const { errors } = form.formState
  const listens = form.watch('transport') !== 'stdio'
  return (
    <>
      <Choice
        form={form}
        name="transport"
        label="Transport"
        options={[
          { value: 'stdio', label: TRANSPORT_LABELS.stdio },
          { value: 'streamable-http', label: TRANSPORT_LABELS['streamable-http'] },
        ]}
      />
      {listens ? (
        <>
          <TextField form={form} name="httpPath" label="Endpoint path" />
          <Choice
            form={form}
            name="httpPortBy"
            label="Port is given by"
            onChange={(by) =>
              form.setValue('httpPort', by === 'env' ? 'PORT' : by === 'arg' ? '--port' : '3001')
            }
            options={[
              { value: 'env', label: 'Environment variable' },
              { value: 'arg', label: 'Argument' },
              { value: 'fixed', label: 'Fixed port' },
            ]}
          />
          <TextField form={form} name="httpPort" label="Variable, argument or port" />
        </>
      ) : null}
      <Field
        label="Arguments"
        optional
        className="sm:col-span-2"
        hint="Always given, one a line; no shell reads them."
        error={errors.args?.message}
      >
        {(box) => (
          <Textarea
            {...box}
            {...form.register('args')}
            rows={2}
            className="font-mono text-sm"
            spellCheck={false}
          />
        )}
      </Field>
    </>
  )
}

function HintFields({ form }: { form: Form }) {
  return (
    <Card>
      <CardHeader
        title="Resources"
        hint="Suggested to whoever deploys it; the usual where nothing is said."
      />
      <div className="grid gap-4 px-4 py-4 sm:grid-cols-3 sm:px-5">
        <TextField form={form} name="memoryMb" label="Memory in MiB" optional />
        <TextField form={form} name="cpus" label="CPUs" optional />
        <TextField form={form} name="pids" label="Processes" optional />
        <Field
          label="Data"
          optional
          className="sm:col-span-3"
          hint="Folders that outlive its versions, one a line, such as /data."
          error={form.formState.errors.data?.message}
        >
          {(box) => <Textarea {...box} {...form.register('data')} rows={2} className="font-mono text-sm" />}
        </Field>
      </div>
    </Card>
  )
}

function AskedCard({
  form,
  kind,
  title,
  hint,
}: {
  form: Form
  kind: 'variables' | 'arguments' | 'headers'
  title: string
  hint: string
}) {
  return (
    <Card>
      <CardHeader title={title} hint={hint} />
      <div className="px-4 py-4 sm:px-5">
        <AskedFields form={form} kind={kind} />
      </div>
    </Card>
  )
}

function UserCredentialCard({ form }: { form: Form }) {
  const rows = useFieldArray({ control: form.control, name: 'userCredentials' })
  const [sourceType, transport] = form.watch(['sourceType', 'transport'])
  return (
    <Card>
      <CardHeader
        title="What each user brings"
        hint="Asked for when somebody connects an agent, not when it is deployed."
      />
      <div className="grid gap-3 px-4 py-4 sm:px-5">
        <UserCredentialRows
          kind={askedKind({ sourceType, transport })}
          rows={rows.fields}
          register={(index, box) => form.register(`userCredentials.${index}.${box}`)}
          errorOf={(index, box) => form.formState.errors.userCredentials?.[index]?.[box]?.message}
          onAdd={() => rows.append(EMPTY_USER_CREDENTIAL)}
          onRemove={rows.remove}
        />
      </div>
    </Card>
  )
}

/** What a version runs, and what it asks for. */
export function ReleaseFields({ form }: { form: Form }) {
  const remote = form.watch('sourceType') === 'remote'
  return (
    <>
      <Card>
        <CardHeader title="What it runs" />
        <div className="grid gap-4 px-4 py-4 sm:grid-cols-2 sm:px-5">
          <TextField
            form={form}
            name="version"
            label="Version"
            hint="As its publisher counts. A known one is replaced, a new one added."
          />
          <Choice
            form={form}
            name="sourceType"
            label="Source"
            // Each has transports of its own.
            onChange={(type) => form.setValue('transport', type === 'remote' ? 'streamable-http' : 'stdio')}
            options={(['npm', 'image', 'remote'] as const).map((value) => ({
              value,
              label: SOURCE_LABELS[value],
            }))}
          />
          <SourceFields form={form} />
          {remote ? null : <ProcessFields form={form} />}
        </div>
      </Card>
      {remote ? (
        <AskedCard
          form={form}
          kind="headers"
          title="Headers"
          hint="Asked for when it is deployed, and sent with every call."
        />
      ) : (
        <>
          <AskedCard form={form} kind="variables" title="Variables" hint="Asked for when it is deployed." />
          <AskedCard
            form={form}
            kind="arguments"
            title="Arguments asked for"
            hint="Put after the ones above, in this order."
          />
          <HintFields form={form} />
        </>
      )}
      <UserCredentialCard form={form} />
    </>
  )
}
