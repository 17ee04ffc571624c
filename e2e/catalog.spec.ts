import { randomUUID } from 'node:crypto'
import { waitForDeployment } from '#client/index.ts'
import { expect, expectAccessible, test } from '#e2e/fixtures.ts'

const unique = () => randomUUID().slice(0, 8)

test('the catalog is searched and filtered, and an entry says what it asks for', async ({ adminPage }) => {
  await adminPage.goto('/admin')
  await adminPage.getByRole('link', { name: 'Catalog' }).click()
  const entries = adminPage.getByRole('list', { name: 'Catalog entries' })
  await expect(entries.getByRole('listitem')).not.toHaveCount(0)
  await expectAccessible(adminPage)
  await adminPage.getByLabel('Search the catalog').fill('web news')
  await expect(entries.getByRole('listitem')).toHaveCount(1)
  await adminPage.getByLabel('Search the catalog').fill('nothing like it')
  await adminPage.getByRole('button', { name: 'Clear the filter' }).click()
  await adminPage.getByRole('combobox', { name: 'Category' }).click()
  await adminPage.getByRole('option', { name: /^Files/ }).click()
  await expect(entries.getByRole('button', { name: 'Deploy Filesystem' })).toBeVisible()
  await adminPage.goto('/admin/catalog/brave-search')
  await expect(adminPage.getByText('BRAVE_API_KEY')).toBeVisible()
  await expect(adminPage.getByRole('link', { name: 'Deploy' })).toHaveAttribute(
    'href',
    '/admin/servers/new?catalog=brave-search',
  )
  await expect(adminPage.getByText('Required')).toBeVisible()
  await expectAccessible(adminPage)
})

test('a configuration is read, chosen from and imported, and exported again', async ({ adminPage, api }) => {
  const name = `imported-${unique()}`
  const config = {
    mcpServers: {
      [name]: { command: 'npx', args: ['-y', 'imported-mcp@1.0.0'], env: { API_KEY: 'sk-0123456789abcdef' } },
      python: { command: 'uvx', args: ['mcp-server-fetch'] },
    },
  }
  await adminPage.goto('/admin/catalog')
  await adminPage.getByRole('button', { name: 'Import' }).click()
  const dialog = adminPage.getByRole('dialog', { name: 'Import servers' })
  await dialog.getByRole('textbox', { name: 'Configuration' }).fill('{ no json')
  await dialog.getByRole('button', { name: 'Read it' }).click()
  await expect(dialog.getByText(/It is not JSON/)).toBeVisible()
  await dialog.getByRole('textbox', { name: 'Configuration' }).fill(JSON.stringify(config))
  await dialog.getByRole('button', { name: 'Read it' }).click()
  await expect(dialog.getByText('It is a Python program (uvx)')).toBeVisible()
  await expect(dialog.getByText('Asks for 1 variable, 1 of them secret')).toBeVisible()
  await expectAccessible(adminPage)
  await dialog.getByLabel('Name in the catalog').fill('No Name')
  await expect(dialog.getByRole('button', { name: 'Import 1 server' })).toBeDisabled()
  await dialog.getByLabel('Name in the catalog').fill(name)
  await dialog.getByRole('button', { name: 'Import 1 server' }).click()
  await expect(dialog).toBeHidden()

  await adminPage.goto(`/admin/catalog/${name}`)
  await expect(adminPage.getByText('imported-mcp@1.0.0')).toBeVisible()
  await adminPage.getByRole('button', { name: 'Export' }).click()
  await adminPage.getByRole('menuitem', { name: /^Codex/ }).click()
  const file = adminPage.getByRole('dialog', { name: /^Codex/ })
  await expect(file.getByText(`[mcp_servers.${name}]`)).toBeVisible()
  await expect(file.getByText('sk-0123')).toHaveCount(0)
  const download = adminPage.waitForEvent('download')
  await file.getByRole('button', { name: 'Save config.toml' }).click()
  expect((await download).suggestedFilename()).toBe('config.toml')
  await file.getByRole('button', { name: 'Close' }).first().click()

  await adminPage.getByRole('button', { name: 'More actions' }).click()
  await adminPage.getByRole('menuitem', { name: 'Delete' }).click()
  await adminPage.getByRole('button', { name: 'Delete', exact: true }).click()
  await expect(adminPage).toHaveURL(/\/admin\/catalog$/)
  const { items } = await api.catalog.list.query({ search: name })
  expect(items).toEqual([])
})

test('an entry is added and edited by hand, and wrong answers are said at their boxes', async ({
  adminPage,
  api,
}) => {
  const slug = `by-hand-${unique()}`
  await adminPage.goto('/admin/catalog/new')
  await adminPage.getByRole('button', { name: 'Add to the catalog' }).click()
  await expect(adminPage.getByText('Give it a title.')).toBeVisible()
  await adminPage.getByLabel('Title', { exact: true }).fill('By hand')
  await adminPage.getByLabel('Name', { exact: true }).fill('everything')
  await adminPage.getByLabel('Version', { exact: true }).fill('1.0.0')
  await adminPage.getByLabel('npm package').fill('by-hand-mcp')
  await adminPage.getByRole('button', { name: 'Add variable' }).click()
  const variable = adminPage.getByRole('group', { name: 'variable 1' })
  await variable.getByLabel('Name', { exact: true }).fill('API_KEY')
  await variable.getByLabel('Secret').check()
  await adminPage.getByRole('button', { name: 'Add to the catalog' }).click()
  await expect(adminPage.getByText('There is an entry named "everything" already.')).toBeVisible()
  await adminPage.getByLabel('Name', { exact: true }).first().fill(slug)
  await adminPage.getByRole('button', { name: 'Add to the catalog' }).click()
  await expect(adminPage).toHaveURL(new RegExp(`/admin/catalog/${slug}$`))
  await adminPage.getByRole('link', { name: 'Edit' }).click()
  await expect(adminPage.getByRole('heading', { name: 'Edit By hand' })).toBeVisible()
  await expectAccessible(adminPage)
  await adminPage.getByLabel('Version', { exact: true }).fill('1.1.0')

  const { id } = await api.catalog.get.query({ slug })
  await api.catalog.update.mutate({ id, title: 'By somebody else' })
  await adminPage.getByRole('button', { name: 'Save' }).click()
  await expect(adminPage.getByRole('link', { name: 'See what it is now' })).toBeVisible()
  await expect(adminPage.getByLabel('Version', { exact: true })).toHaveValue('1.1.0')
  await adminPage.reload()
  await adminPage.getByLabel('Version', { exact: true }).fill('1.1.0')
  await adminPage.getByRole('button', { name: 'Save' }).click()
  await expect(adminPage.getByRole('heading', { name: 'Version 1.1.0' })).toBeVisible()
  await api.catalog.delete.mutate({ id })
})

test('a server is offered the newer version of its entry, and updated to it', async ({ adminPage, api }) => {
  test.slow()
  const slug = `updated-${unique()}`
  const release = (version: string) => ({
    version,
    source: {
      type: 'npm' as const,
      package: '@modelcontextprotocol/server-everything',
      version: '2026.8.31',
    },
    transport: 'stdio' as const,
    variables: [{ name: 'NOTE', default: version }],
  })
  const { id } = await api.catalog.create.mutate({
    slug,
    title: 'To be updated',
    description: '',
    release: release('1.0.0'),
  })
  const { serverId, deploymentId } = await api.servers.deploy.mutate({
    name: slug,
    source: { type: 'catalog', slug },
  })
  await waitForDeployment(api, { serverId, deploymentId })
  await api.catalog.update.mutate({ id, release: release('1.1.0') })
  await adminPage.goto(`/admin/catalog/${slug}`)
  await expect(adminPage.getByText('1.1.0 available')).toBeVisible()
  await adminPage.getByRole('link', { name: slug }).click()
  await adminPage.getByRole('tab', { name: 'Configuration' }).click()
  await adminPage.getByRole('button', { name: 'Update to 1.1.0' }).click()
  await adminPage.getByRole('button', { name: 'Update', exact: true }).click()
  await expect
    .poll(async () => (await api.servers.get.query({ id: serverId })).revision?.catalog?.version)
    .toBe('1.1.0')
  await waitForDeployment(api, { serverId })
  await api.servers.delete.mutate({ id: serverId, confirmName: slug })
  await api.catalog.delete.mutate({ id })
})

/** Small, without an account, and without anything to ask: what a fresh installation deploys first. */
for (const slug of ['everything', 'memory', 'sequential-thinking'])
  test(`${slug} of the catalog goes live`, async ({ api }) => {
    test.slow()
    const name = `catalog-${slug.slice(0, 10)}-${unique()}`
    const { serverId, deploymentId } = await api.servers.deploy.mutate({
      name,
      source: { type: 'catalog', slug },
    })
    const { server } = await waitForDeployment(api, { serverId, deploymentId })
    expect(server.tools.length).toBeGreaterThan(0)
    expect(server.revision?.catalog?.slug).toBe(slug)
    await api.servers.delete.mutate({ id: serverId, confirmName: name })
  })
