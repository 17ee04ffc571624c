import { Skeleton, SkeletonRows } from '#app/components/ui/skeleton.tsx'

export function PageSkeleton() {
  return (
    <div className="grid gap-6">
      <Skeleton className="h-8 w-52" />
      <SkeletonRows rows={5} />
    </div>
  )
}
