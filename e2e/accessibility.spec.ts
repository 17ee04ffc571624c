import type { Page } from '@playwright/test'
import { expect, expectAccessible, test } from '#e2e/fixtures.ts'
import { deployByScript } from '#e2e/pages.ts'

/** A failed spec makes a new worker, which arranges everything once more. */
const SERVER = `e2e-accessible-${process.env.TEST_WORKER_INDEX}`
let serverId = ''
let deploymentId = ''
let agentId = ''
let connectionId = ''
let toolboxId = ''

test.beforeAll(async ({ api }) => {
  serverId = await deployByScript(api, SERVER)
  deploymentId = (await api.servers.get.query({ id: serverId })).deployments[0]?.id ?? ''
  agentId = (await api.agents.create.mutate({ name: 'Accessible' })).id
  connectionId = (await api.connections.create.mutate({ agentId, serverId })).id
  toolboxId = (await api.toolboxes.list.query()).items[0]?.id ?? ''
})

test.afterAll(async ({ api }) => {
  await api.agents.delete.mutate({ id: agentId })
  await api.servers.delete.mutate({ id: serverId, confirmName: SERVER })
})

/** Paths with a text that is there once the page has what it shows. */
const pages = (): [path: string, shown: string][] => [
  ['/admin', 'Recent events'],
  ['/admin/servers', SERVER],
  ['/admin/servers/new', 'Deploy from'],
  [`/admin/servers/${serverId}/edit`, 'Arguments'],
  [`/admin/servers/${serverId}/deployments/${deploymentId}`, 'It went live'],
  [`/admin/servers/${serverId}`, 'get-sum'],
  ['/admin/catalog', 'Sequential Thinking'],
  ['/admin/catalog/playwright', '--executable-path'],
  ['/admin/catalog/playwright/edit', 'Arguments asked for'],
  ['/admin/toolboxes', 'Memory in use'],
  [`/admin/toolboxes/${toolboxId}`, 'Machine'],
  ['/admin/users', 'Enabled'],
  ['/agents', 'Accessible'],
  [`/agents/${agentId}`, `prefix ${SERVER}__`],
  [`/agents/${agentId}/connections/${connectionId}`, 'get-sum'],
  ['/settings', 'API keys'],
  ['/nowhere', 'There is no such page'],
]

async function open(page: Page, path: string, shown: string): Promise<void> {
  await page.goto(path)
  await expect(page.getByText(shown).filter({ visible: true }).first()).toBeVisible()
}

/** In light and dark, and that nothing sticks out of a narrow screen: on one visit, since fetching a page takes longest. */
async function look(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await expect(page.locator('html')).toHaveClass(new RegExp(`\\b${colorScheme}\\b`))
    // Colours are judged as they stay, not as they fade in. One that is not painted never ends by itself.
    await page.evaluate(() => {
      for (const animation of document.getAnimations())
        if (Number.isFinite(animation.effect?.getComputedTiming().endTime)) animation.finish()
    })
    await expectAccessible(page)
  }
  const { width = 0, height = 0 } = page.viewportSize() ?? {}
  await page.setViewportSize({ width: 390, height: 844 })
  const overhang = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  )
  expect(overhang, 'pixels that stick out sideways').toBe(0)
  await page.setViewportSize({ width, height })
}

test('the way in is accessible', async ({ page }) => {
  await open(page, '/sign-in', 'Sign in')
  await look(page)
})

const PARTS = [0, 1, 2, 3]
for (const part of PARTS)
  test(`every page is accessible, light and dark, and fits a narrow screen, ${part + 1} of ${PARTS.length}`, async ({
    adminPage: page,
  }) => {
    // Several pages in one test, so that they are signed in and filled once.
    test.slow()
    for (const [path, shown] of pages().filter((_, n) => n % PARTS.length === part))
      await test.step(path, async () => {
        await open(page, path, shown)
        await look(page)
      })
  })

test('the menu is within reach on a narrow screen', async ({ adminPage }) => {
  await adminPage.setViewportSize({ width: 390, height: 844 })
  await adminPage.goto(`/agents/${agentId}`)
  await adminPage.getByRole('tab', { name: 'Connect an MCP client' }).click()
  await expectAccessible(adminPage)
  await adminPage.getByRole('button', { name: 'Open menu' }).click()
  await adminPage.getByRole('dialog', { name: 'Menu' }).getByRole('link', { name: 'Toolboxes' }).click()
  await expect(adminPage).toHaveURL(/\/admin\/toolboxes$/)
  await expect(adminPage.getByRole('dialog', { name: 'Menu' })).toBeHidden()
})

test('dialogs take the focus, keep it, and give it back', async ({ adminPage }) => {
  await adminPage.goto('/admin/users')
  const button = adminPage.getByRole('button', { name: 'Add user' })
  await button.focus()
  await adminPage.keyboard.press('Enter')
  await expect(adminPage.getByLabel('E-mail')).toBeFocused()
  await adminPage.keyboard.press('Shift+Tab')
  await adminPage.keyboard.press('Shift+Tab')
  const inside = await adminPage.evaluate(() => document.activeElement?.closest('[role="dialog"]') !== null)
  expect(inside, 'focus stays inside the dialog').toBe(true)
  await adminPage.keyboard.press('Escape')
  await expect(button).toBeFocused()

  await adminPage.goto(`/agents/${agentId}`)
  const menu = adminPage.getByRole('button', { name: 'More actions' })
  await menu.focus()
  await adminPage.keyboard.press('Enter')
  await adminPage.keyboard.press('Enter')
  await expect(adminPage.getByRole('dialog').getByLabel('Name')).toBeFocused()
  await adminPage.keyboard.press('Escape')
  await expect(menu, 'the menu of the item that opened it').toBeFocused()
})

test('tabs, menus and the way past the navigation work by keyboard', async ({ adminPage }) => {
  await adminPage.goto(`/admin/servers/${serverId}`)
  await expect(adminPage.getByRole('heading', { name: SERVER })).toBeVisible()
  await adminPage.getByRole('tab', { name: 'Tools' }).focus()
  await adminPage.keyboard.press('ArrowRight')
  await expect(adminPage.getByRole('tab', { name: 'Logs' })).toHaveAttribute('aria-selected', 'true')
  await adminPage.getByRole('button', { name: 'More actions' }).focus()
  await adminPage.keyboard.press('Enter')
  await expect(adminPage.getByRole('menuitem', { name: 'Restart' })).toBeFocused()
  await adminPage.keyboard.press('Escape')
  await adminPage.reload()
  await adminPage.keyboard.press('Tab')
  await expect(adminPage.getByRole('link', { name: 'Skip to content' })).toBeFocused()
  await adminPage.keyboard.press('Enter')
  await expect(adminPage.locator('#content')).toBeFocused()
})

test('motion ends at once for those who asked for less of it', async ({ adminPage }) => {
  await adminPage.emulateMedia({ reducedMotion: 'reduce' })
  await adminPage.goto('/admin/users')
  await adminPage.getByRole('button', { name: 'Add user' }).click()
  const duration = await adminPage
    .getByRole('dialog')
    .evaluate((dialog) => getComputedStyle(dialog).animationDuration)
  expect(Number.parseFloat(duration)).toBeLessThan(0.01)
})
