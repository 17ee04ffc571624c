import { randomUUID } from 'node:crypto'
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, test as base, expect, type Page } from '@playwright/test'
import { createToolberthClient } from '#client/index.ts'
import { type Installation, readInstallation } from '#e2e/installation.ts'

export { expect }

type Account = { email: string; password: string }
type StorageState = Awaited<ReturnType<ReturnType<Page['context']>['storageState']>>
type SignedIn = Account & { storageState: StorageState }

type TestFixtures = {
  /** A page of the installation's admin, signed in. */
  adminPage: Page
  /** A page of an ordinary user, signed in; the same user in every spec. */
  userPage: Page
}
type WorkerFixtures = {
  installation: Installation
  /** The typed client with the admin's API key, for arranging and checking beside the browser. */
  api: ReturnType<typeof createToolberthClient>
  admin: SignedIn
  user: SignedIn
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
  // oxlint-disable-next-line no-empty-pattern -- Playwright reads a fixture's needs from this pattern
  installation: [async ({}, provide) => provide(readInstallation()), { scope: 'worker' }],
  // oxlint-disable-next-line no-empty-pattern -- as above
  baseURL: async ({}, provide) => provide(readInstallation().url),
  api: [
    async ({ installation }, provide) => {
      await provide(createToolberthClient({ url: installation.url, apiKey: installation.adminApiKey }))
    },
    { scope: 'worker' },
  ],
  admin: [
    async ({ browser, installation }, provide) => {
      const account = { email: installation.adminEmail, password: installation.adminPassword }
      await provide({ ...account, storageState: await signIn(browser, installation.url, account) })
    },
    { scope: 'worker' },
  ],
  user: [
    async ({ browser, installation, api }, provide) => {
      const id = randomUUID()
      const account = { email: `user-${id.slice(0, 8)}@example.com`, password: `password of ${id}` }
      await api.users.invite.mutate({ ...account, role: 'USER' })
      await provide({ ...account, storageState: await signIn(browser, installation.url, account) })
    },
    { scope: 'worker' },
  ],
  adminPage: async ({ browser, baseURL, admin }, provide) => {
    const context = await browser.newContext({ baseURL, storageState: admin.storageState })
    await provide(await context.newPage())
    await context.close()
  },
  userPage: async ({ browser, baseURL, user }, provide) => {
    const context = await browser.newContext({ baseURL, storageState: user.storageState })
    await provide(await context.newPage())
    await context.close()
  },
})

/** Signs in through the page, as a person does; answers the cookies for the contexts that need no more than being signed in. */
async function signIn(
  browser: Browser,
  baseURL: string,
  { email, password }: Account,
): Promise<StorageState> {
  const context = await browser.newContext({ baseURL })
  const page = await context.newPage()
  await fillSignIn(page, { email, password })
  await expect(page).not.toHaveURL(/\/sign-in/)
  const state = await context.storageState()
  await context.close()
  return state
}

/** Opens the sign-in page and sends the form; what follows is the caller's to expect. */
export async function fillSignIn(page: Page, { email, password }: Account): Promise<void> {
  await page.goto('/sign-in')
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/**
 * Fails with every violation of WCAG 2.2 level A and AA that axe-core finds on the page as it is now. It runs within the page:
 * its other mode, which only frames need and no page has, opens a second page that takes the foreground and its frames away.
 */
export async function expectAccessible(page: Page): Promise<void> {
  expect(page.frames(), 'no frames, which axe-core would need a page of its own for').toHaveLength(1)
  const { violations } = await new AxeBuilder({ page })
    .setLegacyMode()
    // What is right is not written up, node by node, to be thrown away.
    .options({ resultTypes: ['violations'] })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
    .analyze()
  const found = violations.map(
    ({ id, help, nodes }) => `${id}: ${help} (${nodes.map(({ target }) => target.join(' ')).join('; ')})`,
  )
  expect(found, 'accessibility violations').toEqual([])
}
