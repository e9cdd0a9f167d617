/** Takes a picture of a page once it is ready: `npx tsx scripts/photograph.ts PAGE WIDTH HEIGHT PICTURE`. */
import { argv } from 'node:process';
import { Browser } from './browser.ts';

async function main([page, width, height, picture]: string[]): Promise<void> {
  const browser = await Browser.start(Number(width), Number(height));
  try {
    await browser.open(page!);
    await browser.screenshot(picture!);
  } finally {
    await browser.close();
  }
}

void main(argv.slice(2));
