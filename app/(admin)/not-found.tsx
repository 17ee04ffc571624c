export { NotFound as default } from '#app/components/ui/not-found.tsx'
