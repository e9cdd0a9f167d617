/** Generated C sources with a Makefile: small files with lists, strings and a few headers of the C library. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FUNCTIONS = 3;

function functionSource(file: number, index: number): string {
  const name = `${file}_${index}`;
  return `
static struct item *find_${name}(struct item *list, int key) {
  for (; list; list = list->next)
    if (list->key == key + ${index} || strncmp(list->name, "n${index}", 2) == 0) return list;
  return NULL;
}

int work_${name}(int count, const char *name) {
  struct item *list = NULL;
  int sum = 0;
  for (int j = 0; j < count; j++) {
    struct item *item = malloc(sizeof(*item));
    if (!item) abort();
    item->key = j * ${index + 3};
    snprintf(item->name, sizeof(item->name), "%s-%d", name, j);
    item->next = list;
    list = item;
    sum += find_${name}(list, j) ? j ^ ${index} : (int)strlen(item->name);
  }
  while (list) {
    struct item *next = list->next;
    free(list);
    list = next;
  }
  return sum;
}
`;
}

function fileSource(file: number): string {
  const functions = Array.from({ length: FUNCTIONS }, (_, index) => functionSource(file, index));
  return `#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct item {
  int key;
  char name[32];
  struct item *next;
};
${functions.join('')}`;
}

function mainSource(files: number): string {
  const numbers = Array.from({ length: files }, (_, file) => file);
  return `#include <stdio.h>
${numbers.map((file) => `int work_${file}_0(int, const char *);`).join('\n')}
int main(void) {
  int sum = 0;
${numbers.map((file) => `  sum += work_${file}_0(3, "x");`).join('\n')}
  printf("%d\\n", sum);
  return 0;
}
`;
}

/** Writes `files` sources, the program that calls them and a Makefile for `make` without arguments. */
export function writeMakeTree(folder: string, files: number): void {
  for (let file = 0; file < files; file++) writeFileSync(join(folder, `f${file}.c`), fileSource(file));
  writeFileSync(join(folder, 'main.c'), mainSource(files));
  const objects = Array.from({ length: files }, (_, file) => `f${file}.o`).join(' ');
  writeFileSync(
    join(folder, 'Makefile'),
    `CFLAGS = -O2\nOBJECTS = main.o ${objects}\nprogram: $(OBJECTS)\n\t$(CC) -o $@ $(OBJECTS)\n`,
  );
}
