'use client'

/** Stands in for the whole document when the root layout itself fails; brings its own few styles. */
export default function GlobalError({ reset }: { error: Error & { digest?: string }; reset: () => void }) {
  return (
    <html lang="en">
      <body
        style={{
          margin: 0,
          minHeight: '100dvh',
          display: 'grid',
          placeContent: 'center',
          gap: 12,
          padding: 24,
          fontFamily: 'system-ui, sans-serif',
          background: '#0f2a35',
          color: '#eef5f7',
        }}
      >
        <title>Toolberth</title>
        <h1 style={{ fontSize: 20, margin: 0 }}>Toolberth could not show this page</h1>
        <p style={{ margin: 0, maxWidth: 480, lineHeight: 1.5 }}>
          Nothing was changed. Try again; if it stays, look into the log of the web process.
        </p>
        <button
          type="button"
          onClick={reset}
          style={{
            justifySelf: 'start',
            border: 0,
            borderRadius: 8,
            padding: '10px 16px',
            font: 'inherit',
            background: '#8fd3dc',
            color: '#0f2a35',
          }}
        >
          Try again
        </button>
      </body>
    </html>
  )
}
