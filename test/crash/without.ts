export async function runWithout(_control: string, _args: readonly string[]): Promise<number> {
  return 2;
}
