import { Command } from 'commander';
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readPidFile } from '../../lib/process/identity.ts';
import { openDataDirectory } from '../../localstack/embedded/data-directory.ts';
import { loadImages } from '../../localstack/embedded/node/images.ts';
import { dataDirOption } from '../options.ts';

export function imageCommand(): Command {
  return new Command('image')
    .description("Manages the images of a local cluster's nodes.")
    .addCommand(loadCommand());
}

function loadCommand(): Command {
  return new Command('load')
    .description('Loads an archive (OCI layout, or docker save) into the runtime of every node.')
    .argument('<file>', 'the archive')
    .addOption(dataDirOption())
    .action(async (file: string, { dataDir }: { dataDir: string }) => {
      const nodesDir = join(dataDir, 'nodes');
      const names = existsSync(nodesDir) ? readdirSync(nodesDir) : [];
      if (names.length === 0) {
        throw new Error(`${dataDir}: no node has run here. Start the cluster first: npm start`);
      }
      const data = openDataDirectory(dataDir);
      // Folders of earlier starts with more nodes stay; their runtimes do not.
      const running = names.filter((node) => readPidFile(data.node(node).containerdPid));
      if (running.length === 0)
        throw new Error(`${dataDir}: no node runs. Start the cluster first: npm start`);
      for (const node of running) {
        for (const image of await loadImages(data.node(node), resolve(file)))
          console.log(`${node}: ${image}`);
      }
    });
}
