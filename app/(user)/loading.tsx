import { PageSkeleton } from '#app/components/ui/page-skeleton.tsx'

export default PageSkeleton
