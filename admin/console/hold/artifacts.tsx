import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Download, FileText } from 'lucide-react';
import { useEffect, useState } from 'react';
import { visible } from '../../../gateway/domain/visible-text.ts';
import { ask } from '../server/ask.ts';
import { holdQuery, type HoldPackage } from '../server/holds.ts';
import { AgentText } from '../text/agent-text.tsx';
import { bytes } from './bytes.ts';
import { TextBox } from './body-box.tsx';
import { previewKind } from './preview-kind.ts';

type Artifact = HoldPackage['artifacts'][number];

/** What came with a question or a handover. It is shown only to the person who has claimed or accepted it. */
export function Artifacts({ hold, me }: { readonly hold: HoldPackage; readonly me: string }) {
  const cache = useQueryClient();
  const isMine = hold.routing.lease?.by === me || hold.decided?.by === me;
  const claim = useMutation({
    mutationFn: () => ask<HoldPackage>(`/api/holds/${hold.hold_id}/claim`, { method: 'POST', ifMatch: hold.revision }),
    onSuccess: (claimed) => cache.setQueryData(holdQuery(hold.hold_id).queryKey, claimed),
  });
  if (hold.artifacts.length === 0) return null;
  return (
    <section className="part" aria-labelledby="artifacts-title">
      <h2 id="artifacts-title">Attached by {hold.agent.id}</h2>
      {!isMine && hold.you_may.claim && (
        <p className="notice">
          <span>To open them, claim this: others then wait for you, for five minutes.</span>
          <button type="button" className="button small" onClick={() => claim.mutate()}>
            Claim
          </button>
        </p>
      )}
      {claim.error && <p className="wrong">{claim.error.message}</p>}
      <ul className="artifacts">
        {hold.artifacts.map((artifact) => (
          <li key={artifact.name}>
            <ArtifactItem artifact={artifact} holdId={hold.hold_id} isOpen={isMine} />
          </li>
        ))}
      </ul>
    </section>
  );
}

type ItemProps = { readonly artifact: Artifact; readonly holdId: string; readonly isOpen: boolean };

function ArtifactItem({ artifact, holdId, isOpen }: ItemProps) {
  const [isShown, setIsShown] = useState(false);
  const { name, type, sha256 } = artifact;
  const href = `/api/holds/${holdId}/artifacts/${encodeURIComponent(name)}`;
  const kind = previewKind(artifact);
  return (
    <div className="artifact">
      <p>
        <FileText size={17} aria-hidden />
        <strong>
          <AgentText text={name} />
        </strong>
        <span className="hint">
          <AgentText text={type} /> · {bytes(artifact.bytes)}
        </span>
        <span className="apart" />
        {isOpen && kind !== null && (
          <button type="button" className="button small" aria-expanded={isShown} onClick={() => setIsShown(!isShown)}>
            {isShown ? 'Hide' : 'Show'}
          </button>
        )}
        {isOpen && (
          <a className="button small" href={href} download aria-label={`Download ${visible(name)}`}>
            <Download size={15} aria-hidden />
            {kind === null && 'Download'}
          </a>
        )}
      </p>
      <p className="hint">
        SHA-256 <code className="hash">{sha256}</code>
      </p>
      {isOpen && kind === null && (
        <p className="hint">Such a file is not shown here. Download it, and open it with a program that you trust.</p>
      )}
      {isShown && kind !== null && <Preview href={href} kind={kind} name={name} />}
    </div>
  );
}

type PreviewProps = { readonly href: string; readonly kind: string; readonly name: string };

/** The content, never as a page of this origin: a text as text, an image as an image. */
function Preview({ href, kind, name }: PreviewProps) {
  const [content, setContent] = useState<{ readonly text: string } | { readonly url: string } | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const label = visible(name);
  useEffect(() => {
    const here = new AbortController();
    let url: string | null = null;
    const read = async () => {
      const response = await fetch(href, { signal: here.signal });
      if (!response.ok) throw new Error(`The gateway answered ${response.status}.`);
      const data = await response.arrayBuffer();
      if (kind === 'text/plain') return setContent({ text: new TextDecoder().decode(data) });
      // The type is ours, from a short list, and not the sender's.
      url = URL.createObjectURL(new Blob([data], { type: kind }));
      setContent({ url });
    };
    read().catch((error: Error) => here.signal.aborted || setProblem(error.message));
    return () => {
      here.abort();
      if (url !== null) URL.revokeObjectURL(url);
    };
  }, [href, kind]);

  if (problem !== null) return <p className="wrong">It cannot be shown: {problem}</p>;
  if (content === null) return <p className="hint">Reading…</p>;
  if ('text' in content) return <TextBox label={label} text={content.text} />;
  return <img className="picture" src={content.url} alt={label} />;
}
