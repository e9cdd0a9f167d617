/** The version of mp; that of package.json. */
export const VERSION = '0.1.0';
