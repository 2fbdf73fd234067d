#!/usr/bin/env node
// The executable; main.js is the command.

import { main } from "./main.js";

process.exitCode = await main(process.argv.slice(2));
