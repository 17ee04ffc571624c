'use client'

export { PageError as default } from '#app/components/ui/page-error.tsx'
