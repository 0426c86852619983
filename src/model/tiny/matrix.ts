/** Row-major weight matrix as a checkpoint stores it: `rows` outputs by `columns` inputs. */
export interface Matrix {
  rows: number;
  columns: number;
  values: Float32Array;
}

export function createMatrix(rows: number, columns: number): Matrix {
  return { rows, columns, values: new Float32Array(rows * columns) };
}

/** Adds `scale * code` into part of one row, from `column` on. */
export function addToRow(
  matrix: Matrix,
  row: number,
  column: number,
  code: ArrayLike<number>,
  scale: number,
): void {
  const start = row * matrix.columns + column;
  for (let index = 0; index < code.length; index++) {
    matrix.values[start + index] = (matrix.values[start + index] ?? 0) + (code[index] ?? 0) * scale;
  }
}

/** Adds `scale * code` down one column, from `row` on. */
export function addToColumn(
  matrix: Matrix,
  column: number,
  row: number,
  code: ArrayLike<number>,
  scale: number,
): void {
  for (let index = 0; index < code.length; index++) {
    const place = (row + index) * matrix.columns + column;
    matrix.values[place] = (matrix.values[place] ?? 0) + (code[index] ?? 0) * scale;
  }
}

export function findLargest(matrices: readonly Matrix[]): number {
  let largest = 0;
  for (const { values } of matrices) {
    for (const value of values) largest = Math.max(largest, Math.abs(value));
  }
  return largest;
}
