import { useQueryClient } from '@tanstack/react-query';
import { ReasonDialog } from '../page/reason-dialog.tsx';
import { stopEverything, stopQuery } from '../server/stop.ts';

type Props = { readonly peopleToLift: 1 | 2; readonly close: () => void };

/** Asks once more, and says what it does, before everything is stopped. */
export function StopDialog({ peopleToLift, close }: Props) {
  const cache = useQueryClient();
  const stop = async (reason: string) => cache.setQueryData(stopQuery.queryKey, await stopEverything(reason));
  return (
    <ReasonDialog title="Stop everything?" verb="Stop everything" act={stop} close={close}>
      Every call of every agent is refused at once, at every gateway that shares this store, until{' '}
      {peopleToLift === 2 ? 'two operators lift' : 'an operator lifts'} it. Uploads and answers under way end. Held
      calls stay, and keep the time that they have left.
    </ReasonDialog>
  );
}
