// For the build: writes the front's executable to the file that is named.

import { writeFileSync } from 'node:fs';
import { versionText } from '../cli/version.ts';
import { encodeImage } from '../init/image.ts';
import { frontPlan } from './front.ts';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: write FILE');
writeFileSync(file, encodeImage(frontPlan(versionText()), process.arch === 'arm64' ? 'arm64' : 'x64'), { mode: 0o755 });
