import { createPolicyTarget } from '../agents/policy-target.ts';
import { ConfigError, loadConfig, toolEnvironment } from '../config/config.ts';
import { createDescriber } from '../describe/http/http-call.ts';
import { defineCommand } from './command.ts';
import { CONFIG } from './options.ts';
import { checkPolicies } from './policy.ts';

export const check = defineCommand({
  options: { config: CONFIG },
  async run({ values, terminal }) {
    const { systems, agents, reviewers, policies } = loadConfig(values.config);
    for (const system of systems) {
      try {
        createDescriber(system);
      } catch (error) {
        throw new ConfigError(values.config, [`systems.${system.name}.openapi: ${(error as Error).message}`]);
      }
    }
    await checkPolicies(policies, createPolicyTarget(systems), toolEnvironment(), terminal);
    terminal.out(
      `${values.config} is fine: ${systems.length} systems, ${agents.length} agents, ${reviewers.length} reviewers.\n`,
    );
    return 0;
  },
});
