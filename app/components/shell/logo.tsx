/** A berth: the slip of a harbour with a mast in it. */
export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" className={className} fill="none" strokeLinecap="round">
      <path d="M7 7v10.5a9 9 0 0 0 18 0V7" stroke="currentColor" strokeWidth="3.2" />
      <path d="M16 6v10" stroke="var(--brass)" strokeWidth="3.2" />
      <circle cx="16" cy="17" r="3" fill="var(--brass)" />
    </svg>
  )
}
