'use client'

import { Area, AreaChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts'

interface Point {
  at: string
}

export interface Series<P extends Point> {
  label: string
  /** Value of a point; null where nothing is known, which is shown as a gap. */
  value: (point: P) => number | null
  /** Top of the scale; null leaves it to the values. */
  highest: number | null
  format: (value: number) => string
}

interface Props<P extends Point> {
  series: Series<P>
  points: P[]
  /** How a time is written under the line. */
  tick: Intl.DateTimeFormat
}

const AXIS = { fontSize: 11, fill: 'var(--muted)' }
const NO_BREAK = '\u00a0'
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })

/** One line over time. Its numbers are in the table beside it, so that it may be hidden from screen readers. */
export function MetricsChart<P extends Point>({ series, points, tick }: Props<P>) {
  const data = points.map((point) => ({ at: Date.parse(point.at), value: series.value(point) }))
  return (
    <div aria-hidden className="h-36">
      <ResponsiveContainer width="100%" height="100%">
        <AreaChart data={data} margin={{ top: 6, right: 8, bottom: 0, left: 0 }} accessibilityLayer={false}>
          <CartesianGrid stroke="var(--line)" vertical={false} />
          <XAxis
            dataKey="at"
            type="number"
            scale="time"
            domain={['dataMin', 'dataMax']}
            tickFormatter={(at: number) => tick.format(at)}
            tick={AXIS}
            stroke="var(--line)"
            minTickGap={48}
          />
          <YAxis
            domain={[0, series.highest ?? 'auto']}
            tickFormatter={(value: number) => series.format(value).replaceAll(' ', NO_BREAK)}
            tick={AXIS}
            stroke="var(--line)"
            width={62}
            {...(series.highest === null
              ? { tickCount: 3 }
              : { ticks: [0, series.highest / 2, series.highest] })}
          />
          <Tooltip
            isAnimationActive={false}
            labelFormatter={(at) => full.format(Number(at))}
            formatter={(value) => [series.format(Number(value)), series.label]}
            contentStyle={{
              background: 'var(--surface)',
              border: '1px solid var(--line)',
              borderRadius: 8,
              fontSize: 12,
              color: 'var(--ink)',
            }}
            itemStyle={{ color: 'var(--ink)' }}
          />
          <Area
            dataKey="value"
            stroke="var(--primary)"
            strokeWidth={1.75}
            fill="var(--primary)"
            fillOpacity={0.12}
            isAnimationActive={false}
            connectNulls={false}
            dot={isAlone(data) ? { r: 2 } : false}
          />
        </AreaChart>
      </ResponsiveContainer>
    </div>
  )
}

/** A line needs two neighbours; where there are none, points are drawn. */
function isAlone(data: readonly { value: number | null }[]): boolean {
  return !data.some(({ value }, at) => value !== null && (data[at + 1]?.value ?? null) !== null)
}
