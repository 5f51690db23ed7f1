import { readJournals } from '../../audit/journal/journal-status.ts';
import { loadConfig } from '../config/config.ts';
import { dataFolder } from '../process/data-folder.ts';
import { defineCommand } from './command.ts';
import { CONFIG, JSON_OUTPUT } from './options.ts';
import { journalList } from './pages/journal-list.ts';
import { jsonPage } from './pages/json-page.ts';

export const journal = defineCommand({
  options: { config: CONFIG, json: JSON_OUTPUT },
  async run({ values, terminal }) {
    const report = await readJournals(dataFolder(loadConfig(values.config).data).journals);
    terminal.out(values.json ? jsonPage(report) : journalList(report));
    return 0;
  },
});
