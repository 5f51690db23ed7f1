import { pythonWith } from '../../helpers/python.ts';

/** The Python SDKs that tests drive, in one environment. */
const SDKS = [
  'PyGithub==2.10.0',
  'anthropic==2.14.0',
  'atlassian-python-api==5.0.5',
  'boto3==1.44.8',
  'elasticsearch==9.5.1',
  'google-cloud-storage==3.17.1',
  'kubernetes==37.0.1',
  'python-gitlab==8.6.0',
  'requests==2.34.2',
  'slack_sdk==3.48.0',
  'simple-salesforce==1.12.10',
  'twilio==9.13.0',
];

export function pythonWithSdks(): Promise<string> {
  return pythonWith(SDKS);
}
