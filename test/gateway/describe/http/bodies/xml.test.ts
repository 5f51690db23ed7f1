import { describe, expect, test } from 'vitest';
import { createDescriber } from '../../../../../gateway/describe/http/http-call.ts';
import { heldCall, notAmended } from '../held.ts';
import { problemOf, testArrival, testSystem } from '../arrival.ts';
import { inputText } from '../../../../../gateway/domain/call-input.ts';

const describeCall = createDescriber(testSystem());

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into it freely
function bodyOf(body: string | Buffer, type = 'application/xml', head: Readonly<Record<string, string>> = {}): any {
  return JSON.parse(inputText(describeCall(testArrival('POST /x', { 'Content-Type': type, ...head }, body)).input))
    .action.body;
}

const envelope = (namespace: string) => `<?xml version="1.0" encoding="utf-8"?>
<s:Envelope xmlns:s="${namespace}" xmlns:p="urn:pay">
  <s:Header/>
  <s:Body><p:Pay currency="EUR"><p:Amount>500</p:Amount></p:Pay></s:Body>
</s:Envelope>`;
const SOAP_11 = 'http://schemas.xmlsoap.org/soap/envelope/';
const SOAP_12 = 'http://www.w3.org/2003/05/soap-envelope';

describe('an XML body', () => {
  test.each([
    ['SOAP 1.1', SOAP_11, 'text/xml; charset=utf-8', { SOAPAction: '"urn:pay#Pay"' }],
    ['SOAP 1.2', SOAP_12, 'application/soap+xml; charset=utf-8; action="urn:pay#Pay"', {}],
  ])('of %s has the action, the operation and the elements (zeep, strong-soap)', (_version, namespace, type, head) => {
    expect(bodyOf(envelope(namespace), type, head as Record<string, string>)).toEqual({
      root: 'Envelope',
      namespace,
      namespaces: [namespace, 'urn:pay'],
      content: { Header: '', Body: { Pay: { '@currency': 'EUR', Amount: '500' } } },
      soap: { action: 'urn:pay#Pay', operation: 'Pay', namespace: 'urn:pay' },
    });
  });

  test('has arrays for repeated elements, text next to attributes, CDATA, and the five entities of XML', () => {
    expect(
      bodyOf('<!-- order --><o><i n="1">a</i><i>b &amp; &#99;</i><t><![CDATA[<x>]]></t><__proto__>p</__proto__></o>')
        .content,
    ).toEqual(JSON.parse('{"i":[{"@n":"1","#text":"a"},"b & c"],"t":"<x>","__proto__":"p"}'));
  });

  test('reads the same whichever prefix the sender chose', () => {
    expect(bodyOf('<a:r xmlns:a="urn:x"><a:v>1</a:v></a:r>')).toEqual(bodyOf('\ufeff<r xmlns="urn:x"><v>1</v></r>'));
  });

  test.each<[string, string | Buffer, string?, Record<string, string>?]>([
    ['a DTD', '<!DOCTYPE r><r/>'],
    ['entities that expand a billion times', '<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><r>&b;</r>'],
    ['an external entity', '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><r>&a;</r>'],
    ['an unknown entity', '<r>&a;</r>'],
    ['an element that is not closed', '<r><a></r>'],
    ['two roots', '<r/><r/>'],
    ['text after the root', '<r/>x'],
    ['a prefix without namespace', '<a:r/>'],
    ['an attribute twice', '<r a="1" a="2"/>'],
    ['a comment within text', '<amount>1<!-- -->00</amount>'],
    ['an instruction within text', '<amount>1<?x?>00</amount>'],
    ['text and CDATA', '<amount>1<![CDATA[00]]></amount>'],
    ['another encoding', '<?xml version="1.0" encoding="utf-7"?><r/>'],
    ['another charset', '<r/>', 'text/xml; charset=utf-16'],
    ['bytes that are not UTF-8', Buffer.from('<r>\xe9</r>', 'latin1')],
    ['too many levels', '<a>'.repeat(40) + '</a>'.repeat(40)],
    ['two SOAP actions', envelope(SOAP_12), 'application/soap+xml; action="urn:a"', { SOAPAction: 'urn:b' }],
    ['no XML', '{}'],
  ])('is refused with %s', (_what, body, type, head) => {
    expect(problemOf(() => bodyOf(body, type, head))).toMatchObject({ code: 'bad-body' });
  });

  test('is not looked into when it is an image or a page', () => {
    expect(bodyOf('<!DOCTYPE svg><svg/>', 'image/svg+xml')).toBeUndefined();
    expect(bodyOf('<!DOCTYPE html><html/>', 'application/xhtml+xml')).toBeUndefined();
  });

  test('cannot be edited by a reviewer', () => {
    expect(notAmended(heldCall('text/xml', '<r>1</r>'), { content: '2' }, ['']).detail).toMatch(/cannot be edited/);
  });
});
