import { useQuery } from '@tanstack/react-query';
import { Eye } from 'lucide-react';
import { useEffect } from 'react';
import { ask } from '../server/ask.ts';
import type { Presence as Others } from '../server/shapes.ts';
import { ifServed } from '../server/holds.ts';

/** Milliseconds between two signs of life; the gateway forgets a reader after 45 s. */
const EVERY = 20_000;

/** Who else looks at this hold; tells them that I do, while the page is in sight. */
export function Presence({ id }: { readonly id: string }) {
  const path = `/api/holds/${encodeURIComponent(id)}/presence`;
  const { data } = useQuery({
    queryKey: ['presence', id],
    queryFn: () => ifServed(ask<Others>(path, { method: 'POST' })),
    refetchInterval: EVERY,
    staleTime: 0,
    gcTime: 0,
    retry: false,
  });
  const isServed = data !== null;
  useEffect(() => {
    if (!isServed) return;
    const leave = () => void ask(path, { method: 'DELETE', keepalive: true }).catch(() => {});
    addEventListener('pagehide', leave);
    return () => {
      removeEventListener('pagehide', leave);
      // The next page comes first.
      setTimeout(leave);
    };
  }, [path, isServed]);
  if (!data || data.others.length === 0) return null;
  return (
    <ul className="people others" role="status">
      {data.others.map(({ reviewer, editing }) => (
        <li key={reviewer}>
          <Eye size={14} aria-hidden /> {reviewer} {editing ? 'edits this too' : 'looks at this too'}
        </li>
      ))}
    </ul>
  );
}
