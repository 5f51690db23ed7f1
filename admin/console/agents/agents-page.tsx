import '../styles/agents.css';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Bot, DatabaseZap } from 'lucide-react';
import { useState } from 'react';
import { Choice, Toggle, without } from '../page/chips.tsx';
import { ErrorPage } from '../page/error-page.tsx';
import { useTitle } from '../page/use-title.ts';
import { agentNumbersQuery, agentsQuery, systemsQuery } from '../server/agents.ts';
import type { Agent } from '../server/shapes.ts';
import type { Suspended } from '../server/suspensions.ts';
import { fitsAgent, type AgentFilter } from './agent-filter.ts';
import { AgentRow } from './agent-row.tsx';
import { StrangersPart } from './strangers-part.tsx';
import { SystemsPart } from './systems-part.tsx';

const route = getRouteApi('/shell/agents');

/** Every agent, with who answers for it, what it may do, what it did, and the switch that stops it. */
export function AgentsPage() {
  const filter = route.useSearch();
  const { data: agents, error, isPending, refetch } = useQuery(agentsQuery);
  const { data: systems = [] } = useQuery(systemsQuery);
  const { data: numbers, error: uncounted, isPending: isCounting } = useQuery(agentNumbersQuery);
  const [told, setTold] = useState('');
  useTitle('Agents');
  if (error && !agents) return <ErrorPage error={error} reset={() => void refetch()} />;

  const shown = agents?.filter((agent) => fitsAgent(agent, filter)) ?? [];
  const known = new Set(agents?.map(({ id }) => id));
  const strangers = agents ? [...(numbers?.values() ?? [])].filter(({ agent }) => !known.has(agent)) : [];
  const suspendedSystems = new Set(systems.filter(({ suspended }) => suspended).map(({ id }) => id));
  const done = (answer: Suspended) => setTold(wordsOf(answer));
  return (
    <main id="main" className="agents" aria-busy={isPending}>
      <div className="page-head">
        <h1>Agents</h1>
        <p>{agents ? summary(agents) : 'Looking…'}</p>
      </div>
      {agents && agents.length > 0 && <AgentFilterBar filter={filter} agents={agents} />}
      <div role="status" className="state-notices">
        {told !== '' && <p className="notice good">{told}</p>}
        {uncounted && !numbers && (
          <p className="notice warn">
            <DatabaseZap size={18} aria-hidden />
            <span>
              The record does not answer, so what agents did within 30 days is missing. Everything else here is as it
              is, and suspending and resuming work.
            </span>
          </p>
        )}
      </div>
      {agents && shown.length === 0 ? (
        <Empty isConfigured={agents.length > 0} />
      ) : (
        <ul className="row-box agent-list" aria-label="Agents">
          {shown.map((agent) => (
            <AgentRow
              key={agent.id}
              agent={agent}
              numbers={numbers && (numbers.get(agent.id) ?? null)}
              isCounting={isCounting}
              suspendedSystems={suspendedSystems}
              done={done}
            />
          ))}
        </ul>
      )}
      {agents && (
        <p className="hint">
          Verdicts, levels and cost are of the last 30 days. L1: it calls by itself; L2: a person approves; L3: a person
          takes over; L4: blocked. What is used in 24 h is what budgets count; their limits are in the rules.
        </p>
      )}
      {strangers.length > 0 && <StrangersPart agents={strangers} />}
      {systems.length > 0 && <SystemsPart systems={systems} done={done} />}
    </main>
  );
}

function AgentFilterBar({ filter, agents }: { readonly filter: AgentFilter; readonly agents: readonly Agent[] }) {
  const navigate = route.useNavigate();
  const set = (changes: Readonly<Record<string, unknown>>) =>
    void navigate({ search: (before) => without<AgentFilter>({ ...before, ...changes }), replace: true });
  const values = (of: (agent: Agent) => readonly string[]) => [...new Set(agents.flatMap(of))].toSorted();
  return (
    <div className="filters" role="group" aria-label="Filters">
      <Toggle name="Suspended" isOn={filter.suspended === true} set={(isOn) => set({ suspended: isOn || undefined })} />
      <Choice
        name="Owner"
        value={filter.owner}
        choices={values(({ owner }) => [owner])}
        set={(owner) => set({ owner })}
      />
      <Choice
        name="System"
        value={filter.system}
        choices={values(({ systems }) => systems)}
        set={(system) => set({ system })}
      />
    </div>
  );
}

function Empty({ isConfigured }: { readonly isConfigured: boolean }) {
  return (
    <div className="quiet-state">
      <Bot size={32} aria-hidden />
      <h2>{isConfigured ? 'No agent fits' : 'There is no agent yet'}</h2>
      <p>
        {isConfigured
          ? 'Take a filter away to see others.'
          : 'Agents are in the configuration, under “agents”. “npx holdpoint token” makes a token for one.'}
      </p>
    </div>
  );
}

function summary(agents: readonly Agent[]): string {
  const owners = new Set(agents.map(({ owner }) => owner)).size;
  const suspended = agents.filter((agent) => agent.suspended).length;
  const count = `${agents.length} ${agents.length === 1 ? 'agent' : 'agents'} of ${owners} ${owners === 1 ? 'owner' : 'owners'}`;
  return suspended === 0 ? count : `${count}, ${suspended} suspended`;
}

function wordsOf({ id, suspended, superseded = 0 }: Suspended): string {
  if (!suspended) return `${id} is resumed: policy decides on its calls again.`;
  const ended = superseded === 1 ? '1 hold was superseded' : `${superseded} holds were superseded`;
  return `${id} is suspended on every gateway: ${ended}.`;
}
