export declare function makePage(version: string): Promise<{ html: string; files: string[] }>;
