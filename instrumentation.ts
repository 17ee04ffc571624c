export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME === 'nodejs') {
    const { startWeb } = await import('#server/start-web.ts')
    await startWeb()
  }
}
