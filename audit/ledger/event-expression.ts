import { EVENT_FIELDS, type FieldKind } from '../../gateway/domain/event.ts';
import { RAW_INPUT_SINCE } from '../../gateway/domain/raw-input.ts';

/**
 * ClickHouse SQL that writes a row of `holdpoint.events` as its line again, as `eventLine` does. The statement needs
 * `output_format_json_escape_forward_slashes = 0`. The engine writes some characters (U+2028, U+2029) and numbers (above
 * 1e21) in another form; where hashes differ, such rows must be checked with `lineOfRow`.
 */
export const LINE_EXPRESSION = `concat('{"event_id":', toJSONString(event_id), ${Object.entries(EVENT_FIELDS)
  .filter(([name]) => name !== 'event_id')
  .map(([name, { kind }]) => memberExpression(name, kind))
  .join(', ')}, '}')`;

function memberExpression(name: string, kind: FieldKind): string {
  const member = (value: string) => `concat(',"${name}":', ${value})`;
  switch (kind) {
    case 'time':
      return member(`toString(toUnixTimestamp64Milli(${name}))`);
    case 'small':
    case 'count':
    case 'amount':
      return `if(${name} = 0, '', ${member(`toString(${name})`)})`;
    case 'share':
      return `if(isNull(${name}), '', ${member(`toString(assumeNotNull(${name}))`)})`;
    case 'names':
      return `if(empty(${name}), '', ${member(`toJSONString(${name})`)})`;
    case 'json':
      return `if(${name} = '', '', ${member(`if(${isRaw(name)}, ${name}, toJSONString(${name}))`)})`;
    default:
      return `if(${name} = '', '', ${member(`toJSONString(toString(${name}))`)})`;
  }
}

/** `isRawInput` in SQL. */
function isRaw(name: string): string {
  const breaks = ['\\n', '\\r'].map((character) => `position(${name}, '${character}') = 0`);
  return [`version >= ${RAW_INPUT_SINCE}`, `startsWith(${name}, '{')`, `endsWith(${name}, '}')`, ...breaks].join(
    ' AND ',
  );
}
