// For scripts/build.sh: a property of the specification that nobody honours or refuses, or that no test shows, fails the build.

import { configPlaces } from '../spec/schema-tree.ts';
import { tableProblems } from './check.ts';
import { PROPERTIES } from './table.ts';

const patterns = configPlaces().flatMap(({ pattern, isProperty }) => (isProperty ? [pattern] : []));
const problems = tableProblems(PROPERTIES, patterns);
for (const problem of problems) console.error(`src/properties: ${problem}`);
if (problems.length > 0) process.exit(1);
